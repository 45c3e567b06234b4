// The smallest program with both ends of a conversation in it: a server in memory, and one person
// who signs up.
#include <cstdio>

#include "kith/client/client.h"
#include "kith/server/server.h"

int main() {
  auto server = kith::server::Server::start({.port = 0, .register_accounts = true});
  if (!server) return std::puts(server.error().to_string().c_str()), 1;
  auto token = kith::client::Client::register_account({.url = (*server)->url(), .handle = "ada"},
                                                      "correct horse battery");
  if (!token) return std::puts(token.error().to_string().c_str()), 1;
  std::puts("ada has an account");
}
