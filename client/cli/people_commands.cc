// The commands of the line mode about groups, people and the account.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

#include "client/cli/ask.h"
#include "client/cli/commands.h"
#include "client/cli/json_lines.h"
#include "client/cli/message_lines.h"
#include "client/cli/names.h"
#include "client/cli/printer.h"
#include "client/cli/privacy.h"
#include "client/cli/session.h"
#include "kith/core/limits.h"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kSentLimit = 10s;

int done(const Status& status) {
  return status ? static_cast<int>(kDone) : complain(status.error());
}

// The people that words from `first` on name.
Result<std::vector<std::string>> handles_from(const Arguments& arguments, std::size_t first) {
  std::vector<std::string> handles;
  for (std::size_t i = first; i < arguments.words.size(); ++i) {
    auto handle = handle_of(arguments.words[i]);
    if (!handle) return handle.error();
    handles.push_back(*handle);
  }
  return handles;
}

// Everybody must exist: a mistyped name is refused with all that are wrong, not invited later.
Result<std::vector<UserId>> existing(Session& session, const std::vector<std::string>& handles) {
  std::set<UserId> there;
  for (std::size_t at = 0; at < handles.size(); at += limits::users_page_max) {
    const auto first = handles.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(handles.size() - at, std::size_t{limits::users_page_max});
    const std::vector<std::string> page(first, first + static_cast<std::ptrdiff_t>(count));
    auto profiles = ask<std::vector<client::Profile>>(
        [&](auto answer) { session.client->find_users(page, answer); });
    if (!profiles) return profiles.error();
    for (const client::Profile& p : *profiles) there.insert(p.user);
  }
  std::vector<UserId> users;
  std::string missing;
  for (const std::string& handle : handles) {
    users.push_back(UserId::of(handle));
    if (there.count(users.back()) == 0) missing += (missing.empty() ? "" : ", ") + handle;
  }
  if (!missing.empty())
    return make_error(ErrorCode::kNotFound, "Nobody is called " + missing + ".");
  for (const std::string& handle : handles) session.home.remember(handle);
  return users;
}

// Tells who is in the way of a change of a group, which concerns `handles`.
int complain_of(Session& session, const std::vector<std::string>& handles, const Error& why) {
  Names names = names_of(session);
  for (const std::string& handle : handles) names.learn(handle);
  return complain(make_error(why.code, why_refused(names, why)));
}

int group(const Arguments& arguments) {
  if (arguments.words.size() < 2 || arguments.words[0].empty())
    return usage("group takes a TITLE and at least one HANDLE; see kith --help.");
  auto handles = handles_from(arguments, 1);
  if (!handles) return complain(handles.error());
  return with_session(arguments, true, [&](Session& session) -> int {
    client::Client& client = *session.client;
    std::vector<UserId> members;
    if (client.connection() == client::ConnectionState::kOnline) {
      auto users = existing(session, *handles);
      if (!users) return complain(users.error());
      members = *users;
    } else {
      for (const std::string& handle : *handles) members.push_back(UserId::of(handle));
    }
    auto id = client.create_group(arguments.words[0], members);
    if (!id) return complain(id.error());
    if (auto sent = client.wait_sent(kSentLimit); !sent) {
      notice(
          "No connection. The group is kept on this device and comes into being with the next "
          "connection.");
      session.home.remember_group(arguments.words[0], *id);
      standard_output().line(id->to_string());
      return kQueued;
    }
    // Reports what became of it: only a group that exists has members.
    auto made = ask<std::vector<client::Member>>([&](auto answer) { client.members(*id, answer); });
    if (!made) {
      const auto refused = session.discard_refused(*id);
      return complain_of(session, *handles, refused ? *refused : made.error());
    }
    session.home.remember_group(arguments.words[0], *id);
    standard_output().line(id->to_string());
    return kDone;
  });
}

// Runs `body` with the conversation that the first word means.
template <class Body>
int in_conversation(const Arguments& arguments, std::size_t least, std::size_t most,
                    const char* how, Body body) {
  if (arguments.words.size() < least || arguments.words.size() > most)
    return usage(arguments.command + " takes " + how + "; see kith --help.");
  return with_session(arguments, true, [&](Session& session) -> int {
    auto id = find_conversation(*session.client, session.home, arguments.words[0]);
    if (!id) return complain(id.error());
    return body(session, *id);
  });
}

// Groups alone: nobody is added to a 1:1, and nobody leaves one.
template <class Body>
int in_group(const Arguments& arguments, std::size_t least, std::size_t most, const char* how,
             Body body) {
  return in_conversation(
      arguments, least, most, how, [&](Session& session, const ConversationId& id) -> int {
        if (!id.is_direct()) return body(session, id);
        return usage(arguments.words[0] + " is a person and no group; a group is #TITLE or an id.");
      });
}

int members(const Arguments& arguments) {
  return in_conversation(
      arguments, 1, 1, "one WHO", [&](Session& session, const ConversationId& id) {
        auto found = ask<std::vector<client::Member>>(
            [&](auto answer) { session.client->members(id, answer); });
        if (!found) return complain(found.error());
        const Names names = names_of(session);
        std::vector<UserId> users;
        for (const auto& m : *found) users.push_back(m.user);
        learn_names(session, names, users);
        for (const auto& m : *found) {
          const std::string own = names.display(m.user);
          if (arguments.json) {
            standard_output().json(
                person_json(m.user, names.exact(m.user), own, role_name(m.role)));
          } else {
            standard_output().line({names.of(m.user), "  ", role_name(m.role)},
                                   own.empty() ? "" : "  " + own);
          }
        }
        return static_cast<int>(kDone);
      });
}

int change_members(const Arguments& arguments) {
  return in_group(arguments, 2, SIZE_MAX, "WHO and at least one HANDLE",
                  [&](Session& session, const ConversationId& id) {
                    auto handles = handles_from(arguments, 1);
                    if (!handles) return complain(handles.error());
                    auto users = existing(session, *handles);
                    if (!users) return complain(users.error());
                    const Status changed = ask<void>([&](auto answer) {
                      if (arguments.command == "add") {
                        session.client->add_members(id, *users, answer);
                      } else {
                        session.client->remove_members(id, *users, answer);
                      }
                    });
                    return changed ? static_cast<int>(kDone)
                                   : complain_of(session, *handles, changed.error());
                  });
}

int leave(const Arguments& arguments) {
  return in_group(arguments, 1, 1, "one WHO", [](Session& session, const ConversationId& id) {
    return done(ask<void>([&](auto answer) { session.client->leave(id, answer); }));
  });
}

int rename(const Arguments& arguments) {
  if (arguments.words.size() == 2 && arguments.words[1].empty())
    return usage("rename takes WHO and a TITLE, which is not empty.");
  return in_group(
      arguments, 2, 2, "WHO and a TITLE", [&](Session& session, const ConversationId& id) {
        const Status renamed =
            ask<void>([&](auto answer) { session.client->rename(id, arguments.words[1], answer); });
        if (renamed) session.home.remember_group(arguments.words[1], id);
        return done(renamed);
      });
}

int role(const Arguments& arguments) {
  return in_group(arguments, 3, 3, "WHO, a HANDLE and owner, admin or member",
                  [&](Session& session, const ConversationId& id) {
                    MemberRole wanted = MemberRole::kNone;
                    for (const MemberRole each :
                         {MemberRole::kOwner, MemberRole::kAdmin, MemberRole::kMember}) {
                      if (arguments.words[2] == role_name(each)) wanted = each;
                    }
                    if (wanted == MemberRole::kNone)
                      return usage("A role is owner, admin or member.");
                    auto handle = handle_of(arguments.words[1]);
                    if (!handle) return complain(handle.error());
                    return done(ask<void>([&](auto answer) {
                      session.client->set_role(id, UserId::of(*handle), wanted, answer);
                    }));
                  });
}

int info(const Arguments& arguments) {
  return in_conversation(
      arguments, 2, 2, "WHO and the SEQ of a message",
      [&](Session& session, const ConversationId& id) {
        const std::string& text = arguments.words[1];
        if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != text.npos)
          return usage("SEQ is the number that history --json prints.");
        auto found = ask<client::Readers>(
            [&](auto answer) { session.client->readers(id, Seq(std::stoull(text)), answer); });
        if (!found) return complain(found.error());
        const Names names = names_of(session);
        std::vector<UserId> users;
        for (const auto& r : found->members) users.push_back(r.user);
        learn_names(session, names, users);
        for (const auto& r : found->members) {
          const char* state = r.read ? "read" : r.delivered ? "delivered" : "sent";
          if (arguments.json) {
            standard_output().json(
                person_json(r.user, names.exact(r.user), names.display(r.user), state));
          } else {
            standard_output().line({names.of(r.user), "  "}, state);
          }
        }
        if (!arguments.json) {
          standard_output().line(std::to_string(found->read_count) + " read, " +
                                 std::to_string(found->delivered_count) + " delivered, of " +
                                 std::to_string(found->member_count) + " members with you");
        }
        return static_cast<int>(kDone);
      });
}

// block, unblock, contact, uncontact: with no word, the list as it is.
int people_list(const Arguments& arguments) {
  const std::string& what = arguments.command;
  const bool block = what == "block" || what == "unblock";
  const bool put = what == "block" || what == "contact";
  auto handles = handles_from(arguments, 0);
  if (!handles) return complain(handles.error());
  if (handles->empty() && !put) return usage(what + " takes at least one HANDLE; see kith --help.");
  return with_session(arguments, true, [&](Session& session) -> int {
    client::Client& client = *session.client;
    if (handles->empty()) {
      const Names names = names_of(session);
      const auto users = block ? client.blocked() : client.contacts();
      learn_names(session, names, users);
      for (const UserId& user : users) {
        if (arguments.json) {
          standard_output().json(person_json(user, names.exact(user), names.display(user), what));
        } else {
          standard_output().line(names.of(user));
        }
      }
      return kDone;
    }
    auto users = existing(session, *handles);
    if (!users) return complain(users.error());
    for (const UserId& user : *users) {
      const Status changed = ask<void>([&](auto answer) {
        if (block) {
          client.set_blocked(user, put, answer);
        } else {
          client.set_contact(user, put, answer);
        }
      });
      if (!changed) return complain(changed.error());
    }
    return kDone;
  });
}

int privacy(const Arguments& arguments) {
  if (arguments.words.size() != 0 && arguments.words.size() != 2)
    return usage("privacy takes nothing, or a setting and its value; see kith --help.");
  return with_session(arguments, true, [&](Session& session) -> int {
    client::Privacy now = session.client->privacy();
    if (arguments.words.empty()) {
      for (const auto& [name, value] : privacy_settings(now)) {
        standard_output().line({name, " "}, value);
      }
      return kDone;
    }
    if (auto set = set_privacy(&now, arguments.words[0], arguments.words[1]); !set)
      return complain(set.error());
    return done(ask<void>([&](auto answer) { session.client->set_privacy(now, answer); }));
  });
}

int name(const Arguments& arguments) {
  if (arguments.words.size() != 1 || arguments.words[0].empty())
    return usage("name takes one NAME; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    return done(ask<void>(
        [&](auto answer) { session.client->set_display_name(arguments.words[0], answer); }));
  });
}

int devices(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("devices takes no words; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    auto found =
        ask<std::vector<client::Device>>([&](auto answer) { session.client->devices(answer); });
    if (!found) return complain(found.error());
    for (const auto& d : *found) {
      if (arguments.json) {
        standard_output().json(device_json(d));
        continue;
      }
      standard_output().line({d.id.to_string(), "  ", clock_text(d.last_seen), "  "},
                             d.agent + (d.current  ? "  (this device)"
                                        : d.online ? "  (online)"
                                                   : ""));
    }
    return static_cast<int>(kDone);
  });
}

int revoke(const Arguments& arguments) {
  if (arguments.words.size() != 1)
    return usage("revoke takes the id of a device, or others; see kith --help.");
  const std::string& which = arguments.words[0];
  const auto id = DeviceId::parse(which);
  if (which != "others" && !id) return usage("A device is named by the id that devices prints.");
  return with_session(arguments, true, [&](Session& session) -> int {
    if (which == "others") {
      return done(ask<void>([&](auto answer) { session.client->revoke_other_devices(answer); }));
    }
    auto found =
        ask<std::vector<client::Device>>([&](auto answer) { session.client->devices(answer); });
    if (!found) return complain(found.error());
    const bool own = std::any_of(found->begin(), found->end(),
                                 [&](const client::Device& d) { return d.id == DeviceId(*id); });
    if (!own)
      return complain(make_error(ErrorCode::kNotFound, "You have no device " + which + "."));
    return done(
        ask<void>([&](auto answer) { session.client->revoke_device(DeviceId(*id), answer); }));
  });
}

}  // namespace

const Commands& people_commands() {
  static const Commands commands = {{"group", group},         {"members", members},
                                    {"add", change_members},  {"remove", change_members},
                                    {"leave", leave},         {"rename", rename},
                                    {"role", role},           {"info", info},
                                    {"block", people_list},   {"unblock", people_list},
                                    {"contact", people_list}, {"uncontact", people_list},
                                    {"privacy", privacy},     {"name", name},
                                    {"devices", devices},     {"revoke", revoke}};
  return commands;
}

}  // namespace kith::cli
