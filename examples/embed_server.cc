// A messenger server inside a program of your own: start, run, stop.
#include <cstdio>
#include <string>

#include "kith/server/server.h"

int main() {
  // Your back end signs such tokens for its users (any language: it is a plain JWT); Kith accepts
  // them.
  const std::string secret = "replace this by 32 random bytes or more";
  auto authenticator = kith::server::jwt_authenticator(secret);
  if (!authenticator.ok()) return 1;

  kith::server::ServerOptions options;
  options.port = 0;  // any free port
  // SQLite files; leave it out to keep everything in memory.
  options.data_dir = "embedded-kith-data";
  options.authenticator = std::move(*authenticator);
  auto server = kith::server::Server::start(options);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.error().to_string().c_str());
    return 1;
  }

  kith::server::Identity alice;
  alice.handle = "alice";
  alice.issued_ms = kith::system_clock().wall().ms;
  alice.expires_ms = alice.issued_ms + 3'600'000;
  std::printf("listening on %s\nalice's token: %s\npress Enter to stop\n", (*server)->url().c_str(),
              kith::server::make_jwt(secret, alice).c_str());
  std::fflush(stdout);
  std::getchar();

  (*server)->drain(std::chrono::seconds(1));
  (*server)->stop();
}
