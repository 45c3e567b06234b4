// Opening the signed-in account, asking for passwords, and the sentences for what goes wrong.
#include "client/cli/session.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>

#include "client/cli/account_commands.h"
#include "client/cli/names.h"
#include "client/cli/printer.h"
#include "kith/core/limits.h"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kStep = 50ms;
// How long a person waits at a prompt before "offline" is the better answer.
constexpr auto kOnlineLimit = 10s;
constexpr auto kOpenLimit = 3s;

// Says what a person can do about it; empty if the error's own sentence says all.
const char* advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTlsCertificate:
      return "Give the server's CA certificate with --ca FILE. Nothing was sent.";
    case ErrorCode::kConnectFailed:
      return "Is the server running, and is the port right?";
    case ErrorCode::kNotKithServer:
      return "Check the URL; it usually ends in /v1/ws.";
    case ErrorCode::kTokenExpired:
    case ErrorCode::kRevoked:
      return "Sign in again with kith login.";
    case ErrorCode::kAlreadyOpen:
      return "Another kith is running with this home directory; close it, or use --home.";
    case ErrorCode::kCacheTooNew:
      return "A newer kith has used this home directory; update kith, or use --home.";
    default:
      return "";
  }
}

// Switches the echo of the terminal off while it lives, and on again if a signal ends the program.
class EchoOff {
 public:
  EchoOff() {
    ok_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!ok_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    for (const int signal : kSignals) std::signal(signal, restore_and_end);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (!ok_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    for (const int signal : kSignals) std::signal(signal, SIG_DFL);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  static void restore_and_end(int signal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    std::signal(signal, SIG_DFL);
    ::raise(signal);
  }

  inline static termios before_{};  // one prompt at a time
  bool ok_ = false;
};

std::string ask(const char* prompt) {
  const EchoOff quiet;
  standard_error().prompt(prompt);
  std::string line;
  std::getline(std::cin, line);
  standard_error().line("");
  (void)standard_error().flush();
  return line;
}

// Waits until the client is up to date. The first failed attempt is answer enough for a person at a
// prompt; the client itself would try on.
Status reach(Session& session) {
  const auto limit = system_clock().steady_ms() + Millis(kOnlineLimit).count();
  for (;;) {
    auto status = session.client->wait_online(kStep);
    if (status || status.error().code != ErrorCode::kTimeout) return status;
    if (auto trouble = session.last_trouble()) return *trouble;
    if (auto trouble = session.storage_trouble()) return *trouble;
    if (system_clock().steady_ms() >= limit) return status;
  }
}

}  // namespace

void Session::pause(std::chrono::milliseconds span) {
  ::poll(nullptr, 0, static_cast<int>(span.count()));
}

std::optional<Error> Session::discard_refused(const ConversationId& group) {
  const std::lock_guard lock(mutex);
  const auto found = std::find_if(refused.begin(), refused.end(),
                                  [&](const auto& one) { return one.group == group; });
  if (found == refused.end()) return std::nullopt;
  const client::GroupRefused one = *found;
  refused.erase(found);
  (void)client->discard(one.command);  // or the next command reports it again
  return one.reason;
}

void Session::discard_refused() {
  std::vector<client::GroupRefused> all;
  {
    const std::lock_guard lock(mutex);
    all = refused;
  }
  if (all.empty()) return;
  const Names names(home, account.handle,
                    [this](const UserId& user) { return client->profile(user); });
  std::map<ConversationId, std::string> titles;
  for (const auto& c : client->conversations(kAllConversations)) titles[c.id] = names.title(c);
  for (const client::GroupRefused& one : all) {
    const auto reason = discard_refused(one.group);
    if (!reason) continue;
    notice("The group " + titles[one.group] + " was refused and is not kept. " +
           why_refused(names, *reason) + " [" + std::string(to_string(reason->code)) + "]");
  }
}

std::string refusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "nobody has that name, or what was answered is gone";
    case ErrorCode::kNotMember:
      return "you are not a member of that conversation";
    case ErrorCode::kPermissionDenied:
      return "you may not write there";
    case ErrorCode::kTooLarge:
      return "it is too long";
    case ErrorCode::kExpired:
      return "it waited for too long";
    default:
      return "the server said " + std::string(to_string(code));
  }
}

void notice(const std::string& sentence) {
  standard_error().line("kith: " + sentence);
  (void)standard_error().flush();
}

int complain(const Error& error) {
  std::string text = error.message.empty() ? error.to_string() : error.message;
  if (!text.empty() && text.back() != '.') text += '.';
  if (const char* more = advice(error.code); *more) text += std::string(" ") + more;
  notice(text + " [" + std::string(to_string(error.code)) + "]");
  return error.code == ErrorCode::kInvalidArgument ? kUsage : kFailed;
}

client::ClientOptions options_of(const Home& home, const Account& account,
                                 const Arguments& arguments) {
  client::ClientOptions options;
  options.url = arguments.url.empty() ? account.url : arguments.url;
  options.handle = account.handle;
  options.ca_file = arguments.ca.empty() ? account.ca : arguments.ca;
  options.agent = "kith-terminal/" KITH_VERSION_STRING;
  options.cache_dir = home.cache_dir(account);
  options.token = client::fixed_token(account.token);
  if (!account.token_file.empty()) {
    // The host may be about to write it: a file that is missing now is no reason to sign out.
    options.token = [file = account.token_file](const auto& answer) {
      auto token = read_token(file);
      if (!token) token = make_error(ErrorCode::kUnavailable, token.error().message);
      answer(std::move(token));
    };
  }
  return options;
}

namespace {

Result<std::string> read_one(const char* variable, const char* prompt, bool confirm) {
  std::string password;
  if (const char* given = std::getenv(variable); given && *given) {
    password = given;
  } else if (::isatty(STDIN_FILENO)) {
    password = ask(prompt);
    if (confirm && ask("Once more: ") != password) {
      return make_error(ErrorCode::kInvalidArgument, "The two passwords differ.");
    }
  } else {
    std::getline(std::cin, password);
  }
  if (password.size() < limits::password_bytes_min ||
      password.size() > limits::password_bytes_max) {
    return make_error(ErrorCode::kInvalidArgument,
                      "A password has " + std::to_string(limits::password_bytes_min) + " to " +
                          std::to_string(limits::password_bytes_max) + " bytes.");
  }
  return password;
}

}  // namespace

Result<std::string> read_password(bool confirm) {
  return read_one("KITH_PASSWORD", "Password: ", confirm);
}

Result<std::string> read_new_password() {
  return read_one("KITH_NEW_PASSWORD", "New password: ", true);
}

namespace {

int run_session(const Arguments& arguments, bool online, bool printing,
                const std::function<int(Session&)>& body) {
  Session session{Home(arguments.home), {}, nullptr, {}, {}, {}, {}};
  auto account = session.home.load();
  if (!account) {
    complain(account.error());
    return account.error().code == ErrorCode::kUnauthenticated ? kNotSignedIn : kFailed;
  }
  session.account = *account;
  auto prepared = session.home.prepare();
  if (!prepared) return complain(prepared.error());
  if (!prepared->empty()) notice(*prepared);
  auto options = options_of(session.home, session.account, arguments);
  options.acknowledge_by_hand = printing;
  auto client = client::Client::open(options);
  // Another command of the same home: it ends soon, unless a person or a tail sits there.
  const auto limit = system_clock().steady_ms() + Millis(kOpenLimit).count();
  while (!client && client.error().code == ErrorCode::kAlreadyOpen &&
         system_clock().steady_ms() < limit) {
    Session::pause(kStep);
    client = client::Client::open(options);
  }
  if (!client) return complain(client.error());
  session.client = std::move(*client);
  const auto watch = session.client->on_event([&session](const client::Event& event) {
    if (const auto* group = std::get_if<client::GroupRefused>(&event)) {
      const std::lock_guard lock(session.mutex);
      session.refused.push_back(*group);
    }
    if (const auto* kept = std::get_if<client::StorageChanged>(&event)) {
      const std::lock_guard lock(session.mutex);
      session.storage = kept->working ? std::nullopt : std::optional(kept->reason);
    }
    const auto* changed = std::get_if<client::ConnectionChanged>(&event);
    if (!changed || changed->reason.code == ErrorCode::kCancelled) return;
    const std::lock_guard lock(session.mutex);
    session.trouble = changed->reason;
  });
  if (!printing) session.client->connect();
  if (online) {
    if (auto status = reach(session); !status) {
      complain(status.error());
      if (session.client->connection() == client::ConnectionState::kSignedOut) return kFailed;
      notice("Working offline, with what this device holds.");
    }
  }
  const int code = body(session);
  session.discard_refused();
  session.client->close();
  return code;
}

}  // namespace

Result<ConversationId> find_conversation(Session& session, const std::string& who) {
  const auto parsed = parse_who(who);
  if (parsed && parsed->kind != Who::Kind::kHandle) (void)reach(session);
  return find_conversation(*session.client, session.home, who);
}

int with_session(const Arguments& arguments, bool online,
                 const std::function<int(Session&)>& body) {
  return run_session(arguments, online, false, body);
}

int with_printing_session(const Arguments& arguments, const std::function<int(Session&)>& body) {
  return run_session(arguments, false, true, body);
}

}  // namespace kith::cli
