// SignIn: the ways in, joined.
#include "server/auth/sign_in.h"

namespace kith::server {

SignIn::SignIn(const SignInOptions& options, Directory& directory, Users& users, Devices& devices,
               PasswordHasher& passwords, Scheduler& scheduler)
    : clock_(scheduler.clock()),
      tokens_(options.secret, options.previous_secret),
      rights_(users, devices, clock_),
      entry_(options.authenticator, {users, devices, scheduler, rights_, tokens_, options.home}),
      accounts_({options.register_accounts, options.account_token_life},
                {directory, users, devices, passwords, clock_, rights_, tokens_}) {
  accounts_.start();
}

}  // namespace kith::server
