// Opening the signed-in account, asking for passwords, and the sentences for what goes wrong.
#include "client/cli/session.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

// What a person can do about it; empty if the error's own sentence says all.
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

// Switches the echo of the terminal off while it lives.
class EchoOff {
 public:
  EchoOff() {
    ok_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!ok_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (ok_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool ok_ = false;
};

std::string ask(const char* prompt) {
  const EchoOff quiet;
  std::cerr << prompt << std::flush;
  std::string line;
  std::getline(std::cin, line);
  std::cerr << '\n';
  return line;
}

}  // namespace

int complain(const Error& error) {
  std::string text = error.message.empty() ? error.to_string() : error.message;
  if (!text.empty() && text.back() != '.') text += '.';
  if (const char* more = advice(error.code); *more) text += std::string(" ") + more;
  std::cerr << "kith: " << text << " [" << to_string(error.code) << "]\n";
  return error.code == ErrorCode::kInvalidArgument ? kUsage : kFailed;
}

client::ClientOptions options_of(const Home& home, const Account& account) {
  client::ClientOptions options;
  options.url = account.url;
  options.handle = account.handle;
  options.ca_file = account.ca;
  options.agent = "kith-terminal/" KITH_VERSION_STRING;
  options.cache_dir = home.cache_dir(account);
  options.token = client::fixed_token(account.token);
  return options;
}

Result<std::string> read_password(bool confirm) {
  std::string password;
  if (const char* given = std::getenv("KITH_PASSWORD"); given && *given) {
    password = given;
  } else if (::isatty(STDIN_FILENO)) {
    password = ask("Password: ");
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

}  // namespace kith::cli
