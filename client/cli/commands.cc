// The line mode of kith.
#include "client/cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>

#include "client/cli/home.h"
#include "client/cli/json_lines.h"
#include "client/cli/names.h"
#include "client/cli/session.h"
#include "kith/core/limits.h"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kSentLimit = 10s;
constexpr auto kStep = 50ms;
constexpr auto kHistoryLimit = 20s;  // a page from the server may take request_limit (15 s)
constexpr std::size_t kListMax = 1'000;
constexpr std::size_t kPage = 200;

int usage(const std::string& sentence) {
  return complain(make_error(ErrorCode::kInvalidArgument, sentence));
}

std::string clock_text(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

const char* tick(const client::Message& m) {
  if (!m.mine) return "";
  switch (m.status) {
    case DeliveryStatus::kFailed:
      return " !";
    case DeliveryStatus::kSending:
      return " …";
    case DeliveryStatus::kSent:
      return " ✓";
    case DeliveryStatus::kDelivered:
      return " ✓✓";
    case DeliveryStatus::kRead:
      return " ✓✓ read";
  }
  return "";
}

void print(const client::Message& m, const Names& names) {
  std::cout << clock_text(m.time) << "  ";
  if (m.kind == MessageKind::kText) {
    std::cout << names.of(m.sender) << ": " << m.text << tick(m) << '\n';
  } else {
    std::cout << "* " << m.text << '\n';
  }
}

std::map<ConversationId, std::string> titles(client::Client& client, const Names& names) {
  std::map<ConversationId, std::string> out;
  for (const auto& c : client.conversations(kListMax)) out[c.id] = names.title(c);
  return out;
}

int sign_in(const Arguments& arguments) {
  if (arguments.url.empty())
    return usage("--url is missing, e.g. --url wss://localhost:8443/v1/ws");
  if (arguments.handle.empty()) return usage("--handle is missing: your user name.");
  const bool fresh = arguments.command == "register";
  auto password = read_password(fresh);
  if (!password) return complain(password.error());
  const Home home(arguments.home);
  Account account{arguments.url, arguments.handle, arguments.ca, ""};
  if (!account.ca.empty()) {
    std::error_code error;  // the next command may run elsewhere
    account.ca = std::filesystem::absolute(account.ca, error).string();
  }
  auto options = options_of(home, account, arguments);
  auto token = fresh ? client::Client::register_account(options, *password, arguments.name)
                     : client::Client::sign_in(options, *password);
  if (!token) return complain(token.error());
  account.token = token->value;
  if (auto saved = home.save(account); !saved) return complain(saved.error());
  std::cout << (fresh ? "Welcome, " : "Welcome back, ") << account.handle
            << ". The account is kept in " << home.directory() << ".\n";
  return kDone;
}

// The end of a message that was sent: its status, told once it is on the server or refused.
int report(Session& session, const MessageId& id, std::future<client::Message> placed) {
  client::Client& client = *session.client;
  const auto limit = system_clock().steady_ms() + Millis(kSentLimit).count();
  while (placed.wait_for(kStep) != std::future_status::ready && !session.last_trouble() &&
         system_clock().steady_ms() < limit) {
  }
  if (placed.wait_for(0s) != std::future_status::ready) {
    if (auto trouble = session.last_trouble()) complain(*trouble);
    if (client.connection() == client::ConnectionState::kSignedOut) {
      std::cerr
          << "kith: The server does not accept this sign-in any more. The message is kept; it "
             "leaves after kith login.\n";
      return kQueued;
    }
    std::cerr << "kith: The message is safe on this device and leaves with the next connection.\n";
    return kQueued;
  }
  const client::Message end = placed.get();
  if (end.status != DeliveryStatus::kFailed) {
    std::cout << "sent " << id.to_string() << '\n';
    return kDone;
  }
  const ErrorCode why = end.failure.value_or(ErrorCode::kInternal);
  std::cerr << "kith: The message was refused: " << refusal(why) << ". It is not kept. ["
            << to_string(why) << "]\n";
  if (auto discarded = client.discard(id); !discarded) complain(discarded.error());
  return kFailed;
}

int send(const Arguments& arguments) {
  if (arguments.words.size() < 2) return usage("send takes WHO and TEXT; see kith --help.");
  std::string text;
  for (std::size_t i = 1; i < arguments.words.size(); ++i) {
    text += (i > 1 ? " " : "") + arguments.words[i];
  }
  if (text == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    while (!text.empty() && text.back() == '\n') text.pop_back();
  }
  return with_session(arguments, false, [&](Session& session) {
    client::Client& client = *session.client;
    auto to = find_conversation(client, session.home, arguments.words[0]);
    if (!to) return complain(to.error());
    // The event may come before send() has returned, so early ones are kept.
    std::mutex mutex;
    std::map<MessageId, client::Message> seen;
    std::optional<MessageId> wanted;
    std::promise<client::Message> placed;
    auto future = placed.get_future();
    bool told = false;
    auto subscription = client.on_event([&](const client::Event& event) {
      const auto* changed = std::get_if<client::MessageChanged>(&event);
      if (!changed || !changed->message.mine) return;
      if (changed->message.status == DeliveryStatus::kSending) return;
      const std::lock_guard lock(mutex);
      if (!wanted) {
        seen[changed->message.id] = changed->message;
      } else if (*wanted == changed->message.id && !told) {
        told = true;
        placed.set_value(changed->message);
      }
    });
    auto id = client.send(*to, text);
    if (!id) return complain(id.error());
    {
      const std::lock_guard lock(mutex);
      wanted = *id;
      if (const auto early = seen.find(*id); early != seen.end()) {
        told = true;
        placed.set_value(early->second);
      }
    }
    return report(session, *id, std::move(future));
  });
}

// The newest `limit` messages, gathered page by page.
Result<std::vector<client::Message>> newest(client::Client& client, const ConversationId& id,
                                            std::size_t limit) {
  std::vector<client::Message> out;
  Seq before{};
  while (out.size() < limit) {
    auto promise = std::make_shared<std::promise<Result<std::vector<client::Message>>>>();
    auto future = promise->get_future();
    client.history(id, before, std::min(kPage, limit - out.size()),
                   [promise](auto page) { promise->set_value(std::move(page)); });
    if (future.wait_for(kHistoryLimit) != std::future_status::ready) {
      return make_error(ErrorCode::kTimeout, "The history did not arrive in time.");
    }
    auto page = future.get();
    if (!page) {
      if (out.empty()) return page.error();
      break;
    }
    if (page->empty()) break;
    const Seq first = page->front().seq;
    out.insert(out.begin(), page->begin(), page->end());
    if (first.value <= 1) break;
    before = first;
  }
  return out;
}

// What is still in the outbox for a conversation.
std::vector<client::Message> pending(client::Client& client, const ConversationId& id) {
  std::promise<std::vector<client::Message>> promise;
  auto future = promise.get_future();
  bool told = false;
  const auto subscription = client.observe_timeline(id, kPage, [&](const auto& diffs) {
    if (told || diffs.empty()) return;
    told = true;
    std::vector<client::Message> out;
    for (const auto& m : diffs.front().items) {
      if (!m.seq) out.push_back(m);
    }
    promise.set_value(std::move(out));
  });
  if (future.wait_for(kHistoryLimit) != std::future_status::ready) return {};
  return future.get();
}

int history(const Arguments& arguments) {
  if (arguments.words.size() != 1) return usage("history takes one WHO; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    auto id = find_conversation(*session.client, session.home, arguments.words[0]);
    if (!id) return complain(id.error());
    auto messages = newest(*session.client, *id, arguments.limit);
    if (!messages) return complain(messages.error());
    for (auto& m : pending(*session.client, *id)) messages->push_back(std::move(m));
    if (messages->size() > arguments.limit) {
      messages->erase(messages->begin(),
                      messages->end() - static_cast<std::ptrdiff_t>(arguments.limit));
    }
    Names names(session.home, session.account.handle);
    names.learn(session.client->conversations(kListMax));
    const auto all = titles(*session.client, names);
    const auto title = all.find(*id);
    for (const auto& m : *messages) {
      if (arguments.json) {
        std::cout << json_line(m, names.of(m.sender), title == all.end() ? "" : title->second)
                  << '\n';
      } else {
        print(m, names);
      }
    }
    return static_cast<int>(kDone);
  });
}

// With what was found in bold, if a person reads it.
std::string emphasised(const client::SearchHit& hit) {
  const std::string& text = hit.message.text;
  if (!::isatty(STDOUT_FILENO)) return text;
  std::string out;
  std::size_t at = 0;
  for (const TextRange& range : hit.matches) {
    out += text.substr(at, range.begin - at) + "\x1b[1m" + text.substr(range.begin, range.size) +
           "\x1b[0m";
    at = range.begin + range.size;
  }
  return out + text.substr(at);
}

Result<client::SearchPage> found(client::Client& client, const client::SearchQuery& query) {
  auto promise = std::make_shared<std::promise<Result<client::SearchPage>>>();
  auto future = promise->get_future();
  client.search(query, [promise](auto page) { promise->set_value(std::move(page)); });
  if (future.wait_for(kHistoryLimit) != std::future_status::ready) {
    return make_error(ErrorCode::kTimeout, "The search did not end in time.");
  }
  return future.get();
}

void print(const client::SearchHit& hit, const std::string& title, const Names& names) {
  std::cout << clock_text(hit.message.time) << "  " << (title.empty() ? "" : "[" + title + "] ")
            << names.of(hit.message.sender) << ": " << emphasised(hit) << tick(hit.message) << '\n';
}

int search(const Arguments& arguments) {
  client::SearchQuery query;
  for (const std::string& word : arguments.words)
    query.text += (query.text.empty() ? "" : " ") + word;
  if (query.text.empty()) return usage("search takes WORDS; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    client::Client& client = *session.client;
    if (!arguments.in.empty()) {
      auto in = find_conversation(client, session.home, arguments.in);
      if (!in) return complain(in.error());
      query.conversation = *in;
    }
    Names names(session.home, session.account.handle);
    names.learn(client.conversations(kListMax));
    auto known = titles(client, names);
    bool complete = true;
    for (std::size_t left = arguments.limit; left > 0;) {
      query.limit = std::min(left, limits::search_page_max);
      auto page = found(client, query);
      if (!page) return complain(page.error());
      complete = complete && page->complete;
      for (const client::SearchHit& hit : page->hits) {
        const std::string& title = known[hit.message.conversation];
        if (arguments.json) {
          std::cout << json_line(hit, names.of(hit.message.sender), title) << '\n';
        } else {
          print(hit, title, names);
        }
      }
      left -= std::min(left, page->hits.size());
      if (page->next.empty()) break;
      query.after = page->next;
    }
    if (!complete) {
      std::cerr
          << "kith: The server was not asked, or cannot search: this is what the device holds.\n";
    }
    return static_cast<int>(kDone);
  });
}

int list(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("list takes no words; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    const Names names(session.home, session.account.handle);
    for (const auto& c : session.client->conversations(kListMax)) {
      if (arguments.json) {
        std::cout << json_line(c) << '\n';
        continue;
      }
      std::cout << clock_text(c.last_time) << "  " << names.title(c);
      if (c.unread) std::cout << " (" << c.unread << " unread)";
      if (!c.last.text.empty()) std::cout << ": " << c.last.text.substr(0, c.last.text.find('\n'));
      std::cout << '\n';
    }
    return static_cast<int>(kDone);
  });
}

int tail(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("tail takes no words; see kith --help.");
  // Blocked before any thread exists, so that only sigwait() sees them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return with_session(arguments, false, [&](Session& session) {
    client::Client& client = *session.client;
    Names names(session.home, session.account.handle);
    std::map<ConversationId, std::string> known = titles(client, names);
    names.learn(client.conversations(kListMax));
    auto subscription = client.on_event([&](const client::Event& event) {
      if (const auto* c = std::get_if<client::ConversationChanged>(&event)) {
        known[c->conversation.id] = names.title(c->conversation);
        names.learn(std::vector<client::Conversation>{c->conversation});
      }
      if (const auto* c = std::get_if<client::ConnectionChanged>(&event)) {
        if (c->state == client::ConnectionState::kSignedOut) {
          complain(c->reason);
          ::kill(::getpid(), SIGTERM);
        }
      }
      const auto* changed = std::get_if<client::MessageChanged>(&event);
      if (!changed || !changed->is_new) return;
      const std::string& title = known[changed->message.conversation];
      if (arguments.json) {
        std::cout << json_line(changed->message, names.of(changed->message.sender), title) << '\n';
      } else {
        std::cout << (title.empty() ? "" : "[" + title + "] ");
        print(changed->message, names);
      }
      std::cout << std::flush;
    });
    int signal = 0;
    sigwait(&stop, &signal);
    const bool refused = client.connection() == client::ConnectionState::kSignedOut;
    subscription.reset();
    return static_cast<int>(refused ? kFailed : kDone);
  });
}

int group(const Arguments& arguments) {
  if (arguments.words.size() < 2) {
    return usage("group takes a TITLE and at least one HANDLE; see kith --help.");
  }
  return with_session(arguments, true, [&](Session& session) {
    std::vector<UserId> members;
    for (std::size_t i = 1; i < arguments.words.size(); ++i) {
      std::string handle = arguments.words[i];
      if (handle[0] == '@') handle.erase(0, 1);
      session.home.remember(handle);
      members.push_back(UserId::of(handle));
    }
    auto id = session.client->create_group(arguments.words[0], members);
    if (!id) return complain(id.error());
    if (auto sent = session.client->wait_sent(kSentLimit); !sent) {
      std::cerr
          << "kith: No connection. The group is kept on this device and comes into being with "
             "the next connection.\n";
      std::cout << id->to_string() << '\n';
      return static_cast<int>(kQueued);
    }
    std::cout << id->to_string() << '\n';
    return static_cast<int>(kDone);
  });
}

}  // namespace

int run_command(const Arguments& arguments) {
  static const std::map<std::string, int (*)(const Arguments&)> kCommands = {
      {"register", sign_in}, {"login", sign_in}, {"send", send},   {"history", history},
      {"list", list},        {"tail", tail},     {"group", group}, {"search", search}};
  if (arguments.command == "help") {
    std::cout << help_text();
    return kDone;
  }
  const auto command = kCommands.find(arguments.command);
  if (command == kCommands.end()) {
    return usage("There is no command '" + arguments.command + "'; see kith --help.");
  }
  return command->second(arguments);
}

}  // namespace kith::cli
