// ChatCommands: each command of the full screen.
#include "client/cli/chat_commands.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "client/cli/completion.h"
#include "client/cli/names.h"
#include "client/cli/privacy.h"
#include "client/cli/shown_text.h"

namespace kith::cli {

namespace {

// Names that commands have in irssi and its relatives.
const std::map<std::string, std::string>& other_names() {
  static const std::map<std::string, std::string> names = {{"/q", "/quit"},
                                                           {"/exit", "/quit"},
                                                           {"/query", "/to"},
                                                           {"/join", "/to"},
                                                           {"/j", "/to"},
                                                           {"/names", "/members"},
                                                           {"/who", "/members"},
                                                           {"/invite", "/add"},
                                                           {"/kick", "/remove"},
                                                           {"/part", "/leave"},
                                                           {"/nick", "/name"},
                                                           {"/ignore", "/block"},
                                                           {"/unignore", "/unblock"},
                                                           {"/topic", "/rename"},
                                                           {"/m", "/msg"},
                                                           {"/h", "/help"}};
  return names;
}

}  // namespace

struct ChatCommands::Command {
  const char* verb;
  const char* takes;  // empty: nothing, and what stands there is refused
  const char* does;
  bool (*run)(ChatCommands& commands, const std::string& rest);
};

const std::vector<ChatCommands::Command>& ChatCommands::all() {
  static const std::vector<Command> commands = {
      {"/to", "WHO", "talk to a person (bob), open a group (#title)",
       [](ChatCommands& c, const std::string& r) { return c.talk_to(r); }},
      {"/msg", "WHO TEXT", "the same, and send a text there",
       [](ChatCommands& c, const std::string& r) { return c.message(r); }},
      {"/group", "TITLE HANDLE...", "create a group; \"quote\" a title of several words",
       [](ChatCommands& c, const std::string& r) { return c.create_group(r); }},
      {"/reply", "TEXT", "answer the selected message, or the newest of somebody else",
       [](ChatCommands& c, const std::string& r) { return c.reply(r); }},
      {"/me", "TEXT", "say what you do: *TEXT*",
       [](ChatCommands& c, const std::string& r) {
         return r.empty() ? c.window_.say("/me takes what you do.") : c.window_.send("*" + r + "*");
       }},
      {"/info", "", "who has received and read the selected message, or your newest",
       [](ChatCommands& c, const std::string& r) { return c.info(r); }},
      {"/search", "WORDS", "find messages; Up, Down and Enter open one",
       [](ChatCommands& c, const std::string& r) { return c.search(r); }},
      {"/members", "", "who is in this group",
       [](ChatCommands& c, const std::string& r) { return c.members(r); }},
      {"/add", "HANDLE...", "add people to this group",
       [](ChatCommands& c, const std::string& r) { return c.change_members(r, true); }},
      {"/remove", "HANDLE...", "remove people from it",
       [](ChatCommands& c, const std::string& r) { return c.change_members(r, false); }},
      {"/rename", "TITLE", "give it another title",
       [](ChatCommands& c, const std::string& r) { return c.rename(r); }},
      {"/leave", "", "leave it", [](ChatCommands& c, const std::string& r) { return c.leave(r); }},
      {"/block", "[HANDLE...]", "hear nothing of them; alone: who is blocked",
       [](ChatCommands& c, const std::string& r) { return c.people(r, true, true); }},
      {"/unblock", "HANDLE...", "hear of them again",
       [](ChatCommands& c, const std::string& r) { return c.people(r, true, false); }},
      {"/contact", "[HANDLE...]", "make them contacts; alone: your contacts",
       [](ChatCommands& c, const std::string& r) { return c.people(r, false, true); }},
      {"/uncontact", "HANDLE...", "the other way round",
       [](ChatCommands& c, const std::string& r) { return c.people(r, false, false); }},
      {"/privacy", "[SETTING VALUE]", "who sees what of you",
       [](ChatCommands& c, const std::string& r) { return c.privacy(r); }},
      {"/name", "NAME", "how you are called beside your handle",
       [](ChatCommands& c, const std::string& r) { return c.name(r); }},
      {"/devices", "", "where you are signed in",
       [](ChatCommands& c, const std::string& r) { return c.devices(r); }},
      {"/revoke", "DEVICE|others", "sign a device out",
       [](ChatCommands& c, const std::string& r) { return c.revoke(r); }},
      {"/resend", "", "try the newest refused message again",
       [](ChatCommands& c, const std::string&) { return c.failed(true); }},
      {"/discard", "", "forget it",
       [](ChatCommands& c, const std::string&) { return c.failed(false); }},
      {"/help", "", "this page",
       [](ChatCommands& c, const std::string&) { return c.help(), true; }},
      {"/quit", "", "leave kith; Ctrl-C too",
       [](ChatCommands& c, const std::string&) { return c.quit_ = true; }},
  };
  return commands;
}

void ChatCommands::help() {
  std::vector<std::string> lines = {
      "Enter sends, Alt-Enter or Ctrl-J begins a new line.",
      "Up and Down choose a conversation, Alt-1 to Alt-9 the one at that place, Alt-a the next "
      "unread one. What you have begun to write stays with its conversation.",
      "Tab completes commands, handles and #titles. PgUp and PgDn scroll.",
      "Ctrl-A, E, B, F, W, U, K and Y edit as in a shell. Ctrl-R brings back what was sent last.",
      "Ctrl-P and Ctrl-N (or Alt-Up, Alt-Down) select a message; what you send then answers it.",
      "Esc goes back. //text sends a text that begins with /.",
      ""};
  for (const Command& each : all()) {
    const std::string takes = *each.takes ? std::string(" ") + each.takes : "";
    lines.push_back(each.verb + takes + "  " + each.does);
  }
  lines.emplace_back("Other names: /query /join /names /invite /kick /part /nick /ignore /exit");
  model_.show_page("help", std::move(lines));
}

bool ChatCommands::run(const std::string& text) {
  const auto space = text.find_first_of(" \n\t");
  std::string verb = text.substr(0, space);
  const auto begin = space == std::string::npos ? space : text.find_first_not_of(" \n\t", space);
  std::string rest = begin == std::string::npos ? "" : text.substr(begin);
  if (verb != "/reply") {
    while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\n')) rest.pop_back();
    if (rest.find('\n') != std::string::npos) return window_.say(verb + " takes one line.");
  }
  for (char& c : verb) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (const auto other = other_names().find(verb); other != other_names().end())
    verb = other->second;
  if (verb != "/leave") leaving_from_ = {};
  for (const Command& each : all()) {
    if (verb != each.verb) continue;
    if (!*each.takes && !rest.empty()) return window_.say(verb + " takes nothing behind it.");
    return each.run(*this, rest);
  }
  return window_.say("There is no command " + verb +
                     "; /help lists them, //text sends a text with a /.");
}

std::string ChatCommands::complete(const std::string& before, bool command) {
  std::vector<std::string> words;
  std::string begun = before.substr(before.find_last_of(" \n\t") + 1);
  if (command && begun == before) {
    for (const Command& each : all()) words.emplace_back(each.verb);
  } else {
    const auto title = command ? before.find(" #") : std::string::npos;
    if (title != std::string::npos) begun = before.substr(title + 1);  // it may have spaces
    const bool at = begun.starts_with("@");
    for (const std::string& each : model_.known()) words.push_back(at ? "@" + each : each);
  }
  const Completion found = completion(begun, words);
  std::string several;
  for (const std::string& each : found.fitting)
    several += (several.empty() ? "" : "  ") + visible_name(each);
  if (found.added.empty() && !several.empty()) window_.view().notice = several;
  return found.added;
}

// Empty: a notice says why.
std::vector<std::string> ChatCommands::handles(const std::string& rest) {
  std::vector<std::string> out;
  std::istringstream words(rest);
  for (std::string word; words >> word;) {
    auto handle = handle_of(word);
    if (!handle) {
      window_.say(handle.error().message);
      return {};
    }
    out.push_back(*handle);
  }
  if (out.empty()) window_.say("Name at least one person by the handle.");
  return out;
}

bool ChatCommands::talk_to(const std::string& rest) {
  auto id = find_conversation(client_, home_, rest);
  if (!id) return window_.say(id.error().message);
  if (auto who = parse_who(rest); who && who->kind == Who::Kind::kHandle) model_.learn(who->text);
  window_.show(*id);
  if (!window_.picture().open) {
    window_.want(*id, visible_name(rest));
    window_.say("Write the first message to " + rest + ".");
  }
  return true;
}

bool ChatCommands::message(const std::string& rest) {
  const auto space = std::min(rest.find(' '), rest.size());
  const auto text = rest.find_first_not_of(' ', space);
  if (text == std::string::npos)
    return window_.say("/msg takes a handle and a text; /to opens a conversation.");
  if (rest[0] == '#')
    return window_.say("/msg is for people; /to " + rest.substr(0, space) + " opens a group.");
  if (!talk_to(rest.substr(0, space)) || !window_.send(rest.substr(text))) return false;
  window_.view().notice.clear();
  return true;
}

bool ChatCommands::create_group(const std::string& rest) {
  std::string title;
  std::string people;
  if (const auto end = rest.find('"', 1); !rest.empty() && rest[0] == '"' && end != rest.npos) {
    title = rest.substr(1, end - 1);
    people = rest.substr(end + 1);
  } else {
    const auto space = std::min(rest.find(' '), rest.size());
    title = rest.substr(0, space);
    people = rest.substr(space);
  }
  if (title.empty() || people.empty())
    return window_.say("/group takes a title and at least one handle.");
  const auto wanted = handles(people);
  if (wanted.empty()) return false;
  std::vector<UserId> members;
  for (const std::string& handle : wanted) members.push_back(UserId::of(handle));
  const auto make = [&client = client_, &home = home_, &model = model_, title,
                     wanted](const std::vector<UserId>& users) {
    for (const std::string& handle : wanted) {
      home.remember(handle);
      model.learn(handle);
    }
    auto id = client.create_group(title, users);
    if (id) home.remember_group(title, *id);
    return id;
  };
  if (client_.connection() == client::ConnectionState::kOnline) {
    questions_.with_people(wanted, [&model = model_, make](const std::vector<UserId>& users) {
      auto id = make(users);
      id ? model.set_made(*id) : model.set_news(id.error().message);
    });
    return true;
  }
  auto id = make(members);
  if (!id) return window_.say(id.error().message);
  window_.show(*id);
  window_.say("The group is kept here and comes into being with the next connection.");
  return true;
}

bool ChatCommands::reply(const std::string& rest) {
  if (rest.empty()) return window_.say("/reply takes the text of the answer.");
  if (!window_.selected()) {
    for (auto m = window_.picture().timeline.rbegin(); m != window_.picture().timeline.rend();
         ++m) {
      if (m->mine || m->kind != MessageKind::kText) continue;
      window_.view().selected = m->id;
      break;
    }
  }
  if (!window_.selected()) return window_.say("There is nothing to answer here.");
  return window_.send(rest);
}

bool ChatCommands::search(const std::string& rest) {
  if (rest.empty()) return window_.say("/search takes words; Esc shows the conversation again.");
  window_.view().scroll = 0;
  window_.view().selected.reset();
  model_.search(rest);
  return true;
}

// Resends or discards a group that was refused, with what waits for it, or else the newest message that was.
bool ChatCommands::failed(bool again) {
  if (const auto group = model_.take_refused(window_.current())) {
    auto done = again ? client_.resend(*group) : client_.discard(*group);
    if (!done) return window_.say(done.error().message);
    if (!again) window_.close_current();  // it is not there any more
    return true;
  }
  for (auto m = window_.picture().timeline.rbegin(); m != window_.picture().timeline.rend(); ++m) {
    if (!m->mine || m->status != DeliveryStatus::kFailed) continue;
    auto done = again ? client_.resend(m->id) : client_.discard(m->id);
    if (!done) window_.say(done.error().message);
    return done.ok();
  }
  window_.say("No message here has failed.");
  return true;
}

bool ChatCommands::info(const std::string&) {
  const client::Message* about = window_.selected();
  for (auto m = window_.picture().timeline.rbegin();
       !about && m != window_.picture().timeline.rend(); ++m) {
    if (m->mine && m->seq) about = &*m;
  }
  if (!about || !about->seq) return window_.say("Select a message that has reached the server.");
  questions_.show_readers(about->conversation, about->seq);
  return true;
}

bool ChatCommands::members(const std::string&) {
  if (const auto* it = window_.group())
    return questions_.show_members(it->id, "#" + it->title), true;
  return false;
}

bool ChatCommands::change_members(const std::string& rest, bool add) {
  const auto* it = window_.group();
  const auto wanted = it ? handles(rest) : std::vector<std::string>{};
  if (wanted.empty()) return false;
  questions_.with_people(wanted, [&client = client_, questions = questions_, id = it->id,
                                  add](const std::vector<UserId>& users) {
    if (add) {
      client.add_members(id, users, questions.report("Added."));
    } else {
      client.remove_members(id, users, questions.report("Removed."));
    }
  });
  return true;
}

bool ChatCommands::leave(const std::string&) {
  const auto* it = window_.group();
  if (!it) return false;
  if (leaving_from_ != it->id) {
    leaving_from_ = it->id;
    return window_.say("Enter once more leaves #" + it->title +
                       "; only its members can add you again.");
  }
  leaving_from_ = {};
  client_.leave(it->id, questions_.report("You have left."));
  return true;
}

bool ChatCommands::rename(const std::string& rest) {
  const auto* it = window_.group();
  if (!it) return false;
  if (rest.empty()) return window_.say("/rename takes the new title.");
  home_.remember_group(rest, it->id);
  client_.rename(it->id, rest, questions_.report("Renamed."));
  return true;
}

bool ChatCommands::people(const std::string& rest, bool block, bool put) {
  if (rest.empty() && put) {
    questions_.show_people(block ? "blocked" : "contacts",
                           block ? client_.blocked() : client_.contacts());
    return true;
  }
  const auto wanted = handles(rest);
  if (wanted.empty()) return false;
  questions_.with_people(wanted, [&client = client_, questions = questions_, block,
                                  put](const std::vector<UserId>& users) {
    for (const UserId& user : users) {
      if (block) {
        client.set_blocked(user, put, questions.report(put ? "Blocked." : "No longer blocked."));
      } else {
        client.set_contact(user, put,
                           questions.report(put ? "A contact." : "No contact any more."));
      }
    }
  });
  return true;
}

bool ChatCommands::privacy(const std::string& rest) {
  client::Privacy now = client_.privacy();
  if (rest.empty()) {
    std::vector<std::string> lines;
    for (const auto& [setting, value] : privacy_settings(now))
      lines.push_back(setting + "  " + value);
    lines.emplace_back("/privacy SETTING VALUE changes one.");
    model_.show_page("privacy", std::move(lines));
    return true;
  }
  std::istringstream words(rest);
  std::string setting;
  std::string value;
  if (std::string more; words >> setting >> value && words >> more)
    return window_.say("/privacy takes one setting and its value.");
  if (auto set = set_privacy(&now, setting, value); !set) return window_.say(set.error().message);
  client_.set_privacy(now, questions_.report(setting + " is " + value + " now."));
  return true;
}

bool ChatCommands::name(const std::string& rest) {
  if (rest.empty()) return window_.say("/name takes how you want to be called.");
  client_.set_display_name(rest, questions_.report("You are called " + rest + " now."));
  return true;
}

bool ChatCommands::devices(const std::string&) {
  questions_.show_devices();
  return true;
}

bool ChatCommands::revoke(const std::string& rest) {
  if (rest == "others") {
    client_.revoke_other_devices(questions_.report("All other devices are signed out."));
    return true;
  }
  const auto id = DeviceId::parse(rest);
  if (!id || DeviceId(*id).empty())
    return window_.say("/revoke takes a device as /devices shows it, or others.");
  client_.revoke_device(DeviceId(*id), questions_.report("That device is signed out."));
  return true;
}

}  // namespace kith::cli
