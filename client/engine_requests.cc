// Engine, its online requests: groups, people, settings.
#include <algorithm>
#include <functional>
#include <utility>

#include "client/engine.h"
#include "client/wire_ids.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

Error unexpected(const v1::ServerFrame* answer, const Error& error) {
  return answer ? make_error(ErrorCode::kProtocol, "the server answered with something else")
                : error;
}

// Names change rarely, and nobody is told: those on the screen are asked for anew now and then.
constexpr Millis kNamesFresh = std::chrono::hours(1);
constexpr Millis kNamesRetry = std::chrono::seconds(1);

std::vector<Profile> profiles_of(const v1::UsersPage& page) {
  std::vector<Profile> found;
  for (const v1::UserProfile& user : page.users()) {
    found.push_back({id_of<UserId>(user.user_id()), user.handle(), user.display_name()});
  }
  return found;
}

}  // namespace

void Engine::simple_request(v1::ClientFrame& frame, Done<void> done) {
  if (Status s = validate(frame); !s) {
    done(s.error());
    return;
  }
  connection_->request(
      frame, [this, done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
        if (answer) {
          sync_->sync_soon(Millis{0});
          done({});
        } else {
          done(error);
        }
      });
}

// As many commands as it takes, one after the other; the first that is refused is the last.
void Engine::change_members(const ConversationId& group, MemberChangeOf what,
                            const std::vector<UserId>& users, MemberRole role, Done<void> done) {
  v1::ClientFrame frame;
  v1::MemberChange& change = *frame.mutable_member_change();
  change.set_conversation_id(group.bytes());
  change.set_command_id(ids_.next().bytes());
  change.set_kind(static_cast<v1::MemberChangeKind>(what));
  const std::size_t now = std::min(users.size(), limits::members_change_max);
  for (std::size_t i = 0; i < now; ++i) change.add_users(users[i].bytes());
  if (what == MemberChangeOf::kSetRole) change.set_role(static_cast<v1::MemberRole>(role));
  if (now == users.size()) return simple_request(frame, std::move(done));
  std::vector<UserId> others(users.begin() + static_cast<std::ptrdiff_t>(now), users.end());
  simple_request(frame, [this, group, what, role, others = std::move(others),
                         done = std::move(done)](Status s) {
    if (!s) return done(std::move(s));
    change_members(group, what, others, role, done);
  });
}

void Engine::rename(const ConversationId& group, const std::string& title, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateMeta& update = *frame.mutable_update_meta();
  update.set_conversation_id(group.bytes());
  update.set_command_id(ids_.next().bytes());
  update.set_title(title);
  simple_request(frame, std::move(done));
}

void Engine::members(const ConversationId& group, Done<std::vector<Member>> done) {
  members_page(group, {}, {}, std::move(done));
}

void Engine::members_page(const ConversationId& group, const std::string& token,
                          std::vector<Member> found, Done<std::vector<Member>> done) {
  v1::ClientFrame frame;
  v1::GetMembers& get = *frame.mutable_get_members();
  get.set_conversation_id(group.bytes());
  get.set_page_token(token);
  get.set_limit(limits::members_page_max);
  connection_->request(frame, [this, group, found = std::move(found), done = std::move(done)](
                                  const v1::ServerFrame* answer, const Error& error) mutable {
    if (!answer || !answer->has_members_page()) {
      done(unexpected(answer, error));
      return;
    }
    const v1::MembersPage& page = answer->members_page();
    for (const v1::Member& m : page.members()) {
      found.push_back({id_of<UserId>(m.user_id()), static_cast<MemberRole>(m.role())});
      want_profile(found.back().user);
    }
    if (page.more() && page.members_size() > 0 && found.size() < limits::group_members_max) {
      members_page(group, page.page_token(), std::move(found), std::move(done));
    } else {
      done(std::move(found));
    }
  });
}

void Engine::find_users(const std::vector<std::string>& handles, Done<std::vector<Profile>> done) {
  v1::ClientFrame frame;
  for (const std::string& handle : handles) frame.mutable_get_users()->add_handles(handle);
  if (Status s = validate(frame); !s) {
    done(s.error());
    return;
  }
  connection_->request(
      frame, [this, done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
        if (!answer || !answer->has_users_page()) {
          done(unexpected(answer, error));
          return;
        }
        std::vector<Profile> found = profiles_of(answer->users_page());
        (void)model_.put_profiles(found);
        done(std::move(found));
      });
}

std::optional<Profile> Engine::profile(const UserId& user) {
  want_profile(user);
  const Profile* known = model_.profile(user);
  return known ? std::optional<Profile>(*known) : std::nullopt;
}

void Engine::want_profile(const UserId& user) {
  if (user.empty() || profiles_asked_.count(user)) return;
  // One without a name may be only the handle that the person here has typed.
  const Profile* known = model_.profile(user);
  if (known && !known->display_name.empty()) return;
  if (profiles_wanted_.size() >= limits::contacts_max) return;
  profiles_wanted_.insert(user);
  post_profiles();
}

void Engine::post_profiles(Millis wait) {
  if (profiles_posted_) return;
  profiles_posted_ = true;  // one request for all names that this turn misses
  auto fetch = [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    profiles_posted_ = false;
    fetch_profiles();
  };
  if (wait.count() == 0) {
    scheduler_.post(std::move(fetch));
  } else {
    scheduler_.after(wait, std::move(fetch));
  }
}

void Engine::fetch_profiles() {
  while (connection_->ready() && !profiles_wanted_.empty()) {
    v1::ClientFrame frame;
    v1::GetUsers& get = *frame.mutable_get_users();
    while (!profiles_wanted_.empty() &&
           get.user_ids_size() < static_cast<int>(limits::users_page_max)) {
      get.add_user_ids(profiles_wanted_.begin()->bytes());
      profiles_asked_.insert(*profiles_wanted_.begin());
      profiles_wanted_.erase(profiles_wanted_.begin());
    }
    const std::vector<std::string> asked(get.user_ids().begin(), get.user_ids().end());
    connection_->request(frame, [this, asked](const v1::ServerFrame* answer, const Error& error) {
      if (answer && answer->has_users_page()) {
        (void)model_.put_profiles(profiles_of(answer->users_page()));
      } else if (error.code == ErrorCode::kRateLimited) {
        for (const std::string& bytes : asked) {
          profiles_asked_.erase(id_of<UserId>(bytes));
          profiles_wanted_.insert(id_of<UserId>(bytes));
        }
        post_profiles(std::max(kNamesRetry, Millis(error.retry_after_ms)));
      }
    });
  }
}

void Engine::refresh_names() {
  const std::int64_t now = scheduler_.clock().steady_ms();
  if (names_fresh_ms_ && now - *names_fresh_ms_ < kNamesFresh.count()) return;
  names_fresh_ms_ = now;
  std::vector<std::pair<std::int64_t, UserId>> recent;
  for (const auto& [id, record] : model_.conversations()) {
    if (!record.peer.empty()) recent.emplace_back(record.last_ts_ms, record.peer);
  }
  const std::size_t most = std::min(recent.size(), limits::users_page_max - 1);
  std::partial_sort(recent.begin(), recent.begin() + static_cast<std::ptrdiff_t>(most),
                    recent.end(), std::greater<>());
  profiles_wanted_.insert(model_.self());
  for (std::size_t i = 0; i < most; ++i) profiles_wanted_.insert(recent[i].second);
  post_profiles();
}

void Engine::watch_presence(const std::vector<UserId>& users) {
  std::set<UserId> wanted;
  for (const UserId& user : users) {
    if (wanted.size() < limits_.presence_subscriptions) wanted.insert(user);
  }
  v1::ClientFrame frame;
  v1::PresenceSubscribe& subscribe = *frame.mutable_presence_subscribe();
  for (const UserId& user : wanted) {
    if (!watched_.count(user)) subscribe.add_add(user.bytes());
  }
  for (const UserId& user : watched_) {
    if (!wanted.count(user)) subscribe.add_remove(user.bytes());
  }
  watched_ = std::move(wanted);
  if (subscribe.add_size() + subscribe.remove_size() > 0) connection_->send(frame);
}

void Engine::set_privacy(const Privacy& privacy, Done<void> done) {
  v1::ClientFrame frame;
  v1::Settings& settings = *frame.mutable_update_settings()->mutable_settings();
  settings.set_online(static_cast<v1::Audience>(privacy.online));
  settings.set_last_seen(static_cast<v1::Audience>(privacy.last_seen));
  settings.set_receipts_off(!privacy.receipts);
  settings.set_group_adds(static_cast<v1::Audience>(privacy.group_adds));
  settings.set_first_messages(static_cast<v1::Audience>(privacy.first_messages));
  simple_request(frame, [this, privacy, done = std::move(done)](Status s) {
    if (s) (void)keep_settings(privacy, contacts_, blocked_);  // the next sync repeats it
    done(std::move(s));
  });
}

void Engine::set_display_name(const std::string& name, Done<void> done) {
  v1::ClientFrame frame;
  frame.mutable_update_profile()->set_display_name(name);
  simple_request(frame, [this, name, done = std::move(done)](Status s) {
    if (s) (void)model_.put_profiles({{model_.self(), options_.handle, name}});
    done(std::move(s));
  });
}

void Engine::readers(const ConversationId& id, Seq seq, Done<Readers> done) {
  v1::ClientFrame frame;
  frame.mutable_get_readers()->set_conversation_id(id.bytes());
  frame.mutable_get_readers()->set_seq(seq.value);
  if (Status s = validate(frame); !s) {
    done(s.error());
    return;
  }
  connection_->request(frame, [this, seq, done = std::move(done)](const v1::ServerFrame* answer,
                                                                  const Error& error) {
    if (!answer || !answer->has_readers_page()) {
      done(unexpected(answer, error));
      return;
    }
    const v1::ReadersPage& page = answer->readers_page();
    Readers found{{}, page.read_count(), page.delivered_count(), page.member_count()};
    for (const v1::MemberMark& mark : page.members()) {
      found.members.push_back({id_of<UserId>(mark.user_id()), mark.delivered_seq() >= seq.value,
                               mark.read_seq() >= seq.value});
      want_profile(found.members.back().user);
    }
    done(std::move(found));
  });
}

void Engine::devices(Done<std::vector<Device>> done) {
  v1::ClientFrame frame;
  (void)frame.mutable_get_devices();
  connection_->request(frame,
                       [done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
                         if (!answer || !answer->has_devices_page()) {
                           done(unexpected(answer, error));
                           return;
                         }
                         std::vector<Device> found;
                         for (const v1::DeviceInfo& d : answer->devices_page().devices()) {
                           found.push_back({id_of<DeviceId>(d.device_id()), d.agent(),
                                            Timestamp{static_cast<std::int64_t>(d.last_seen_ms())},
                                            d.online(), d.current()});
                         }
                         done(std::move(found));
                       });
}

void Engine::revoke_device(const DeviceId& device, Done<void> done) {
  if (device.empty()) {  // on the wire that means all others
    done(make_error(ErrorCode::kInvalidArgument, "device: the id is empty"));
    return;
  }
  v1::ClientFrame frame;
  frame.mutable_revoke_device()->set_device_id(device.bytes());
  simple_request(frame, std::move(done));
}

void Engine::revoke_other_devices(Done<void> done) {
  v1::ClientFrame frame;
  (void)frame.mutable_revoke_device();
  simple_request(frame, std::move(done));
}

void Engine::change_password(const std::string& old_password, const std::string& new_password,
                             Done<Token> done) {
  v1::ClientFrame frame;
  frame.mutable_change_password()->set_old_password(old_password);
  frame.mutable_change_password()->set_new_password(new_password);
  if (Status s = validate(frame); !s) return done(s.error());
  connection_->request(
      frame, [this, done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
        if (!answer || !answer->has_signed_in()) return done(unexpected(answer, error));
        const v1::SignedIn& fresh = answer->signed_in();
        connection_->replace_token(fresh.access_token(), fresh.expires_ms());
        done(Token{fresh.access_token(), Timestamp{static_cast<std::int64_t>(fresh.expires_ms())}});
      });
}

void Engine::delete_account(const std::string& password, Done<void> done) {
  v1::ClientFrame frame;
  frame.mutable_delete_account()->set_password(password);
  if (Status s = validate(frame); !s) return done(s.error());
  connection_->request(frame,
                       [done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
                         done(answer ? Status() : Status(error));
                       });
}

void Engine::set_contact(const UserId& user, bool contact, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateContacts& update = *frame.mutable_update_contacts();
  (contact ? update.add_add(user.bytes()) : update.add_remove(user.bytes()));
  simple_request(frame, std::move(done));
}

void Engine::set_blocked(const UserId& user, bool blocked, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateContacts& update = *frame.mutable_update_contacts();
  (blocked ? update.add_block(user.bytes()) : update.add_unblock(user.bytes()));
  simple_request(frame, std::move(done));
}

}  // namespace kith::client
