// kithd account: what an operator does to one account.
#include "server/daemon/account_command.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <utility>

#include "kith/core/ids.h"
#include "server/daemon/config.h"
#include "server/daemon/control_socket.h"
#include "server/daemon/tool_flags.h"
#include "server/offline_accounts.h"
#include "src/frame_codec.h"
#include "src/hash.h"
#include "src/secrets_posix.h"

namespace kith::server::daemon {
namespace {

constexpr std::string_view kOrder = "account ";

struct Wanted {
  std::string what;  // "password" or "delete"
  std::string handle;
  std::string password;
};

constexpr std::string_view kUsage = R"(kithd account - what an operator does to one account

  kithd account password HANDLE    another password; it is asked for, or read from standard input
  kithd account delete HANDLE      ends the account for good; its handle is never given out again

  --data DIR      the server's data directory, default ./kith-data
  --config FILE   kithd's settings: `data` is taken from there
  --yes           deletes without asking

A server that runs there is told; otherwise the files are changed. Either way all sessions of the account
end, and its tokens are refused.
)";

int fail(const Error& error) {
  std::fprintf(stderr, "kithd account: %s\n", error.to_string().c_str());
  return error.code == ErrorCode::kBadConfig ? 2 : 1;
}

Error wrong(std::string sentence) {
  return make_error(ErrorCode::kBadConfig, std::move(sentence));
}

// One line of standard input; at a terminal without showing what is typed.
std::string ask_line(const char* question, bool shown) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  termios before{};
  if (terminal) {
    std::fputs(question, stderr);
    ::tcgetattr(STDIN_FILENO, &before);
    termios quiet = before;
    if (!shown) quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (!shown) std::fputs("\n", stderr);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

Result<std::string> new_password(const std::string& handle) {
  std::string password = ask_line(("New password of " + handle + ": ").c_str(), false);
  if (const Status fits = check_new_password(password); !fits) return fits.error();
  if (::isatty(STDIN_FILENO) == 1 && ask_line("Once more: ", false) != password) {
    return make_error(ErrorCode::kInvalidArgument, "the two are not the same; nothing was changed");
  }
  return password;
}

Status confirm_end(const std::string& handle) {
  if (::isatty(STDIN_FILENO) != 1) return wrong("--yes is missing, and there is nobody to ask");
  const std::string question = "This ends the account for good. Type " + handle + " to go on: ";
  if (ask_line(question.c_str(), true) == handle) return {};
  return make_error(ErrorCode::kCancelled, "nothing was changed");
}

// "account password HANDLE PASSWORD", "account delete HANDLE"; both words as base64url.
std::string order_of(const Wanted& wanted) {
  return std::string(kOrder) + wanted.what + " " + base64url_encode(wanted.handle) + " " +
         base64url_encode(wanted.password);
}

Status carry_out(const std::string& data_dir, const Wanted& wanted) {
  const UserId user = UserId::of(wanted.handle);
  const Status offline = wanted.what == "delete"
                             ? delete_account_offline(data_dir, user)
                             : set_password_offline(data_dir, user, wanted.password);
  if (offline || offline.error().code != ErrorCode::kAlreadyOpen) return offline;
  const auto done = ask_running(data_dir, order_of(wanted));
  if (!done && done.error().code == ErrorCode::kClosed) {
    return make_error(
        ErrorCode::kAlreadyOpen,
        data_dir + ": another process uses it and takes no orders; stop that one first");
  }
  return done ? Status() : Status(done.error());
}

int run(const ToolFlags& flags) {
  if (flags.words.size() != 2) return fail(wrong("it is: kithd account password|delete HANDLE"));
  Wanted wanted{flags.words[0], flags.words[1], ""};
  if (wanted.what != "password" && wanted.what != "delete") {
    return fail(wrong("there is no `account " + wanted.what + "`"));
  }
  if (!check_handle(wanted.handle)) return fail(wrong("that is no handle"));
  std::vector<std::string> settings;
  for (const char* name : {"config", "data"}) {
    if (flags.values.contains(name))
      settings.push_back(std::string("--") + name + "=" + flags.value(name));
  }
  const auto config = parse_arguments(settings);
  if (!config) return fail(config.error());
  if (wanted.what == "password") {
    auto password = new_password(wanted.handle);
    if (!password) return fail(password.error());
    wanted.password = std::move(*password);
  } else if (!flags.switches.contains("yes")) {
    if (const Status sure = confirm_end(wanted.handle); !sure) return fail(sure.error());
  }
  const Status done = carry_out(config->options.data_dir, wanted);
  if (!done) return fail(done.error());
  const Status printed =
      print(wanted.handle + (wanted.what == "delete" ? ": the account is deleted\n"
                                                     : ": the password is changed\n"));
  return printed ? 0 : fail(printed.error());
}

}  // namespace

bool is_account_order(std::string_view order) {
  return order.starts_with(kOrder);
}

Result<std::string> obey_account(Server& server, std::string_view order) {
  const Error unknown = make_error(ErrorCode::kUnimplemented, "this kithd does not know the order");
  order.remove_prefix(kOrder.size());
  const auto first = order.find(' ');
  const auto last = order.rfind(' ');
  if (first == std::string_view::npos || first == last) return unknown;
  const auto handle = base64url_decode(order.substr(first + 1, last - first - 1));
  const auto password = base64url_decode(order.substr(last + 1));
  if (!handle || !password || !check_handle(*handle)) return unknown;
  const UserId user = UserId::of(*handle);
  const std::string_view what = order.substr(0, first);
  if (what != "password" && what != "delete") return unknown;
  const Status done =
      what == "delete" ? server.delete_account(user) : server.set_password(user, *password);
  if (!done) return done.error();
  return std::string("done");
}

int account_command(const std::vector<std::string>& arguments) {
  forbid_core_dumps();
  const auto flags = read_flags(arguments, {"data", "config"}, {"yes", "help"});
  if (!flags) return fail(flags.error());
  if (flags->switches.contains("help")) {
    const Status printed = print(kUsage);
    return printed ? 0 : fail(printed.error());
  }
  return run(*flags);
}

}  // namespace kith::server::daemon
