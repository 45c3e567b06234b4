// The listener for operators: plain HTTP, on a thread of its own, so that it also answers while the services are
// busy or stuck.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::server {

struct AdminAnswer {
  std::uint16_t status = 200;
  const char* type = "text/plain; charset=utf-8";
  std::string body;
};

class AdminListenerUv {
 public:
  // Returns the answer to GET `path`; called on the listener's thread, may take a while.
  using Handler = std::function<AdminAnswer(std::string_view path)>;
  // Connections at a time: a further one replaces the oldest, so that silent ones keep nobody out.
  static constexpr std::size_t kConnectionsMax = 32;
  // The longest life of a connection.
  static constexpr std::chrono::milliseconds kLife{5'000};

  // Fails with kAddressInUse, kIo, kInvalidArgument. The destructor closes everything and joins the thread.
  static Result<std::unique_ptr<AdminListenerUv>> open(const std::string& address,
                                                       std::uint16_t port, Handler handler);
  virtual ~AdminListenerUv() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace kith::server
