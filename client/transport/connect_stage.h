// ConnectStage: how far a connection has come, and the typed error of one that went no further. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/transport/proxy.h"
#include "client/transport/url.h"
#include "kith/core/result.h"

namespace kith::client {

class ConnectStage {
 public:
  enum class Stage : std::uint8_t { kConnect, kTls, kUpgrade, kOpen };

  // The server, and the proxy on the way to it.
  void set_target(ServerUrl url, std::optional<Proxy> proxy) {
    url_ = std::move(url);
    proxy_ = std::move(proxy);
  }
  [[nodiscard]] const ServerUrl& url() const { return url_; }
  [[nodiscard]] const std::optional<Proxy>& proxy() const { return proxy_; }
  // The host whose addresses are tried.
  [[nodiscard]] const std::string& host() const { return proxy_ ? proxy_->host : url_.host; }

  void reach(Stage stage) { stage_ = stage; }
  [[nodiscard]] bool at(Stage stage) const { return stage_ == stage; }
  void refuse_certificate(const std::string& why) { certificate_error_ = why; }

  // The error at this stage; `why` is what libwebsockets says.
  [[nodiscard]] Error error(std::string_view why) const;
  [[nodiscard]] Error no_address() const;
  // The peer's close code, 0: the connection broke.
  [[nodiscard]] Error closed(std::uint16_t code) const;

 private:
  ServerUrl url_;
  std::optional<Proxy> proxy_;
  Stage stage_ = Stage::kConnect;
  std::string certificate_error_;
};

}  // namespace kith::client
