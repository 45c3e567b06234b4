// Commands of kith on the account itself: signing in with a token of the host, another password, the end.
#include "client/cli/account_commands.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/cli/ask.h"
#include "client/cli/home.h"
#include "client/cli/printer.h"
#include "client/cli/session.h"

namespace kith::cli {
namespace {

constexpr auto kSignInLimit = std::chrono::seconds(15);

int change_password(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("passwd takes no words; see kith --help.");
  return with_session(arguments, true, [](Session& session) -> int {
    const auto old = read_password(false);
    if (!old) return complain(old.error());
    const auto fresh = read_new_password();
    if (!fresh) return complain(fresh.error());
    const auto token = ask<client::Token>(
        [&](auto answer) { session.client->change_password(*old, *fresh, answer); });
    if (!token) return complain(token.error());
    session.account.token = token->value;
    session.account.token_file.clear();
    if (auto saved = session.home.save(session.account); !saved) {
      notice("The password is changed, but this device could not keep its token: kith login.");
      return complain(saved.error());
    }
    standard_output().line("The password is changed. Other devices are signed out.");
    return kDone;
  });
}

// False: the person does not mean it.
bool is_meant(const std::string& handle) {
  standard_error().prompt("This ends the account for good. Type its handle to go on: ");
  std::string line;
  std::getline(std::cin, line);
  return line == handle;
}

int delete_account(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("delete-account takes no words; see kith --help.");
  if (!arguments.yes && ::isatty(STDIN_FILENO) != 1) {
    return usage("delete-account asks first, and there is nobody to ask: --yes.");
  }
  return with_session(arguments, true, [&](Session& session) -> int {
    if (!arguments.yes && !is_meant(session.account.handle)) {
      return complain(make_error(ErrorCode::kCancelled, "Nothing was changed"));
    }
    const auto password = read_password(false);
    if (!password) return complain(password.error());
    const auto gone =
        ask<void>([&](auto answer) { session.client->delete_account(*password, answer); });
    if (!gone) return complain(gone.error());
    standard_output().line("The account is deleted. What this device holds of it is in " +
                           session.home.directory() + " until you remove it.");
    return kDone;
  });
}

}  // namespace

Result<std::string> read_token(const std::string& file) {
  constexpr std::size_t kTokenBytesMax = 4 * 1024;  // of the protocol, and a line end
  std::ifstream in(file, std::ios::binary);
  std::string token;
  if (!in || !std::getline(in, token) || token.size() > kTokenBytesMax) {
    return make_error(ErrorCode::kIo, file + ": no token can be read there");
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) return make_error(ErrorCode::kIo, file + ": no token can be read there");
  return token;
}

int login_with_token(const Arguments& arguments) {
  const Home home(arguments.home);
  auto prepared = home.prepare();
  if (!prepared) return complain(prepared.error());
  if (!prepared->empty()) notice(*prepared);
  Account account{arguments.url, arguments.handle, arguments.ca, "", arguments.token_file};
  std::error_code error;  // the next command may run elsewhere
  for (std::string* file : {&account.ca, &account.token_file}) {
    if (!file->empty()) *file = std::filesystem::absolute(*file, error).string();
  }
  if (auto token = read_token(account.token_file); !token) return complain(token.error());
  auto client = client::Client::open(options_of(home, account, arguments));
  if (!client) return complain(client.error());
  (*client)->connect();
  const Status online = (*client)->wait_online(kSignInLimit);
  (*client)->close();
  if (!online) return complain(online.error());
  if (auto saved = home.save(account); !saved) return complain(saved.error());
  standard_output().line("Welcome, " + account.handle + ". The token is read from " +
                         account.token_file + " whenever one is needed.");
  return kDone;
}

const Commands& account_commands() {
  static const Commands kCommands = {{"passwd", change_password},
                                     {"delete-account", delete_account}};
  return kCommands;
}

void keep_memory_private() {
  if (std::getenv("KITH_CORE_DUMPS") != nullptr) return;
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace kith::cli
