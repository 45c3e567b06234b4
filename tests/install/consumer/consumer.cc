// The smallest program with both ends of a conversation in it: a server in memory, and one person
// who signs up.
#include <cstdio>

#include "kith/client/client.h"
#include "kith/server/server.h"

int main() {
  auto server = kith::server::Server::start({.port = 0, .register_accounts = true});
  if (!server) return std::puts(server.error().to_string().c_str()), 1;
  kith::client::ClientOptions options{.url = (*server)->url(), .handle = "ada", .cache_dir = "ada"};
  auto token = kith::client::Client::register_account(options, "correct horse battery");
  if (!token) return std::puts(token.error().to_string().c_str()), 1;
  options.token = kith::client::fixed_token(token->value);
  auto client = kith::client::Client::open(options);
  if (!client) return std::puts(client.error().to_string().c_str()), 1;
  (*client)->connect();
  const auto online = (*client)->wait_online(std::chrono::seconds(10));
  std::puts(online ? "ada is online" : online.error().to_string().c_str());
  return online ? 0 : 1;
}
