// ConnectStage: failures told apart.
#include "client/transport/connect_stage.h"

namespace kith::client {

Error ConnectStage::no_address() const {
  return make_error(ErrorCode::kDnsFailed, "the name " + (proxy_ ? "proxy " : std::string()) +
                                               host() + " does not resolve");
}

Error ConnectStage::closed(std::uint16_t code) const {
  return make_error(ErrorCode::kUnavailable,
                    code != 0 ? "the connection was closed with code " + std::to_string(code)
                              : "the connection to " + url_.authority() + " broke");
}

Error ConnectStage::error(std::string_view why) const {
  const std::string where = url_.authority();
  if (!certificate_error_.empty()) {
    return make_error(ErrorCode::kTlsCertificate,
                      "the certificate of " + where + " does not verify: " + certificate_error_);
  }
  switch (stage_) {
    case Stage::kConnect:
      return make_error(ErrorCode::kConnectFailed,
                        "cannot connect to " + where +
                            (proxy_ ? " through the proxy " + proxy_->host : std::string()));
    case Stage::kTls:
      return make_error(
          ErrorCode::kTlsFailed,
          "TLS with " + where + " failed; if the server has none, its URL begins with ws://");
    case Stage::kUpgrade:
      // lws marks a bad answer to the upgrade with "HS:"; bytes that are no HTTP at all break its
      // header parser.
      if (why.starts_with("HS:") || why.find("header") != std::string_view::npos ||
          why.find("protocol") != std::string_view::npos) {
        return make_error(ErrorCode::kNotKithServer,
                          "something answers at " + where + ", but it is no Kith server");
      }
      return make_error(
          ErrorCode::kUnavailable,
          where + " gave no answer" +
              (url_.tls ? "" : "; if the server has TLS, its URL begins with wss://"));
    case Stage::kOpen:
      break;
  }
  return make_error(ErrorCode::kUnavailable, "the connection to " + where + " broke");
}

}  // namespace kith::client
