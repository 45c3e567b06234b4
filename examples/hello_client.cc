// Says hello: hello_client URL HANDLE PASSWORD PEER [CA_FILE], for example against `kithd --dev`.
// Makes the account if it is new, sends one message, and prints what is said until Enter.
#include <cstdio>

#include "kith/client/client.h"

namespace kc = kith::client;

int main(int argc, char** argv) {
  if (argc < 5) return std::puts("hello_client URL HANDLE PASSWORD PEER [CA_FILE]"), 2;
  kc::ClientOptions options;
  options.url = argv[1];
  options.handle = argv[2];
  options.cache_dir = std::string("hello-") + argv[2];
  if (argc > 5) options.ca_file = argv[5];

  auto token = kc::Client::register_account(options, argv[3]);
  if (!token) token = kc::Client::sign_in(options, argv[3]);
  if (!token) return std::puts(token.error().to_string().c_str()), 1;
  options.token = kc::fixed_token(token->value);

  auto client = kc::Client::open(options);
  if (!client) return std::puts(client.error().to_string().c_str()), 1;
  const auto events = (*client)->on_event([peer = argv[4]](const kc::Event& event) {
    const auto* changed = std::get_if<kc::MessageChanged>(&event);
    if (!changed || changed->message.kind != kith::MessageKind::kText) return;
    const char* const ticks[] = {"failed", "sending", "sent", "delivered", "read"};
    const kc::Message& message = changed->message;
    std::printf("%s: %s\n", message.mine ? ticks[static_cast<int>(message.status)] : peer,
                message.text.c_str());
    std::fflush(stdout);
  });
  (*client)->connect();
  const auto sent = (*client)->send((*client)->direct(argv[4]), "Hello!");
  if (!sent) return std::puts(sent.error().to_string().c_str()), 1;
  std::getchar();
}
