// The line mode of kith: accounts, and the table of commands.
#include "client/cli/commands.h"

#include <filesystem>

#include "client/cli/account_commands.h"
#include "client/cli/home.h"
#include "client/cli/printer.h"
#include "client/cli/session.h"

namespace kith::cli {
namespace {

int sign_in(const Arguments& arguments) {
  if (arguments.url.empty())
    return usage("--url is missing, e.g. --url wss://localhost:8443/v1/ws");
  if (arguments.handle.empty()) return usage("--handle is missing: your user name.");
  const bool fresh = arguments.command == "register";
  if (!fresh && !arguments.token_file.empty()) return login_with_token(arguments);
  auto password = read_password(fresh);
  if (!password) return complain(password.error());
  const Home home(arguments.home);
  auto prepared = home.prepare();
  if (!prepared) return complain(prepared.error());
  if (!prepared->empty()) notice(*prepared);
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
  account.handle = token->handle;  // as the server keeps it
  if (auto saved = home.save(account); !saved) return complain(saved.error());
  standard_output().line((fresh ? "Welcome, " : "Welcome back, ") + account.handle +
                         ". The account is kept in " + home.directory() + ".");
  return kDone;
}

int help(const Arguments& arguments) {
  (void)arguments;
  standard_output().own(help_text());
  return kDone;
}

}  // namespace

int usage(const std::string& sentence) {
  return complain(make_error(ErrorCode::kInvalidArgument, sentence));
}

int run_command(const Arguments& arguments) {
  static const Commands kAccountCommands = {
      {"register", sign_in}, {"login", sign_in}, {"help", help}};
  for (const Commands* commands : {&kAccountCommands, &account_commands(), &message_commands(),
                                 &people_commands()}) {
    if (const auto command = commands->find(arguments.command); command != commands->end())
      return command->second(arguments);
  }
  return usage("There is no command '" + arguments.command + "'; see kith --help.");
}

int finish(int code) {
  const Status written = standard_output().flush();
  if (written || written.error().code == ErrorCode::kCancelled) return code;
  if (written.error().code != ErrorCode::kClosed) {
    complain(written.error());
    if (code == kDone) notice("What the command does is done; only its output is lost.");
  }
  return code == kDone ? static_cast<int>(kOutputLost) : code;
}

}  // namespace kith::cli
