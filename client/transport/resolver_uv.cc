// Resolver: getaddrinfo() by libuv.
#include "client/transport/resolver_uv.h"

#include <netdb.h>
#include <uv.h>

#include <memory>
#include <utility>

namespace kith::client {
namespace {

constexpr std::size_t kAddressesRead = 16;

struct Question {
  uv_getaddrinfo_t request{};
  std::function<void(std::vector<std::string>)> done;
};

std::vector<std::string> textual(const addrinfo* found) {
  std::vector<std::string> addresses;
  for (; found != nullptr && addresses.size() < kAddressesRead; found = found->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text);
    }
  }
  return addresses;
}

}  // namespace

Resolve make_uv_resolver(LoopUv& loop) {
  return [&loop](const std::string& host, std::function<void(std::vector<std::string>)> done) {
    auto* question = new Question;
    question->request.data = question;
    question->done = std::move(done);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    const int started = uv_getaddrinfo(
        loop.uv(), &question->request,
        [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
          const std::unique_ptr<Question> mine(static_cast<Question*>(request->data));
          mine->done(status == 0 ? textual(found) : std::vector<std::string>());
          uv_freeaddrinfo(found);
        },
        host.c_str(), nullptr, &hints);
    if (started == 0) return;
    const std::unique_ptr<Question> mine(question);
    loop.post([failed = std::move(mine->done)] { failed({}); });
  };
}

}  // namespace kith::client
