// SignIn: the ways in, joined.
#include "server/auth/sign_in.h"

namespace kith::server {

SignIn::SignIn(const SignInOptions& options, Directory& directory, Users& users, Devices& devices,
               PasswordHasher& passwords, Scheduler& scheduler)
    : clock_(scheduler.clock()),
      tokens_(std::make_shared<AccountTokens>(options.secret, options.previous_secret)),
      rights_(std::make_shared<EndedRights>(users, devices, clock_)),
      entry_(std::make_shared<TokenEntry>(
          options.authenticator, TokenEntry::Ports{users, devices, scheduler, rights_, tokens_})),
      accounts_(std::make_shared<OwnAccounts>(
          OwnAccounts::Options{options.register_accounts, options.account_token_life},
          OwnAccounts::Ports{directory, users, devices, passwords, clock_, rights_, tokens_})) {
  accounts_->start();
}

}  // namespace kith::server
