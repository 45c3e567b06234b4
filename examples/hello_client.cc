// Says hello: hello_client URL HANDLE PASSWORD PEER [CA_FILE]. The account is made if it does not
// exist yet.
#include <cstdio>

#include "kith/client/client.h"

using namespace std::chrono_literals;
namespace kc = kith::client;

int main(int argc, char** argv) {
  if (argc < 5)
    return std::fprintf(stderr, "usage: hello_client URL HANDLE PASSWORD PEER [CA_FILE]\n"), 2;
  kc::ClientOptions options;
  options.url = argv[1];
  options.handle = argv[2];
  if (argc > 5) options.ca_file = argv[5];

  auto token = kc::Client::register_account(options, argv[3]);
  if (!token) token = kc::Client::sign_in(options, argv[3]);
  if (!token) return std::fprintf(stderr, "%s\n", token.error().to_string().c_str()), 1;
  options.token = kc::fixed_token(token->value);

  auto client = kc::Client::open(options);
  if (!client) return std::fprintf(stderr, "%s\n", client.error().to_string().c_str()), 1;
  const auto events = (*client)->on_event([](const kc::Event& event) {
    const auto* changed = std::get_if<kc::MessageChanged>(&event);
    if (changed && !changed->message.mine) std::printf("%s\n", changed->message.text.c_str());
  });
  (*client)->connect();
  const auto sent = (*client)->send((*client)->direct(argv[4]), "Hello!");
  if (!sent) return std::fprintf(stderr, "%s\n", sent.error().to_string().c_str()), 1;
  const auto placed = (*client)->wait_sent(10s);
  std::printf("%s\n", placed ? "sent" : placed.error().to_string().c_str());
  return placed ? 0 : 1;
}
