// A messenger inside a program of your own: starts it, prints a token for alice, ends at Enter.
#include <cstdio>

#include "kith/server/server.h"

namespace ks = kith::server;

int main() {
  // Your back end signs such tokens for its users, in any language: they are plain JWTs.
  const std::string secret = "replace this by 32 random bytes or more";
  auto authenticator = ks::jwt_authenticator(secret);
  if (!authenticator) return std::puts(authenticator.error().to_string().c_str()), 1;

  ks::ServerOptions options;
  options.port = 0;                         // any free one
  options.data_dir = "embedded-kith-data";  // leave it out to keep everything in memory
  options.authenticator = std::move(*authenticator);
  auto server = ks::Server::start(options);
  if (!server) return std::puts(server.error().to_string().c_str()), 1;

  const std::int64_t now = kith::system_clock().wall().ms;
  const ks::Identity alice{"alice", "Alice", now, now + 3'600'000};
  std::printf("listening on %s\nalice's token: %s\npress Enter to stop\n", (*server)->url().c_str(),
              ks::make_jwt(secret, alice).c_str());
  std::fflush(stdout);
  std::getchar();
  (*server)->drain(std::chrono::seconds(1));
}
