// JSON Web Tokens and the authenticator that accepts them; the only place of the server that reads
// JSON.
#include "server/auth/jwt.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "kith/core/limits.h"
#include "kith/server/hooks.h"
#include "src/frame_codec.h"
#include "src/hash.h"

namespace kith::server {
namespace {

using Json = nlohmann::json;

// Tokens are flat objects: anything nested deeper is refused before it is built.
std::optional<Json> parse_object(const std::string& text) {
  bool deep = false;
  const auto flat = [&deep](int depth, Json::parse_event_t event, Json&) {
    if (depth > 3 &&
        (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)) {
      deep = true;
    }
    return !deep;
  };
  Json json = Json::parse(text, flat, /*allow_exceptions=*/false);
  if (deep || json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// NumericDate: seconds, a fraction is allowed. Nothing if absent, not a number, or out of any
// sensible range.
std::optional<std::int64_t> time_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!std::isfinite(seconds) || seconds <= 0 || seconds > 1e11) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(seconds * 1000.0));
}

Error bad(const char* why) {
  return make_error(ErrorCode::kUnauthenticated, std::string("the token is not valid: ") + why);
}

class JwtAuthenticator : public Authenticator {
 public:
  JwtAuthenticator(std::string secret, Clock& clock) : secret_(std::move(secret)), clock_(clock) {}
  void authenticate(std::string_view token, std::function<void(Result<Identity>)> done) override {
    auto claims = decode_jwt(token, secret_, clock_.wall());
    if (!claims) {
      done(claims.error());
      return;
    }
    done(Identity{claims->subject, claims->name, claims->issued_ms, claims->expires_ms});
  }

 private:
  std::string secret_;
  Clock& clock_;
};

}  // namespace

std::string encode_jwt(const JwtClaims& claims, std::string_view secret) {
  Json payload = {{"sub", claims.subject},
                  {"exp", static_cast<double>(claims.expires_ms) / 1000.0}};
  if (claims.issued_ms != 0) payload["iat"] = static_cast<double>(claims.issued_ms) / 1000.0;
  if (!claims.name.empty()) payload["name"] = claims.name;
  if (!claims.device.empty()) payload["device"] = claims.device;
  const std::string text = payload.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string token =
      base64url_encode(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url_encode(text);
  return token + "." + base64url_encode(view(hmac_sha256(secret, token)));
}

Result<JwtClaims> decode_jwt(std::string_view token, std::string_view secret, Timestamp now) {
  if (token.size() > limits::token_bytes_max) return bad("it is too long");
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return bad("it does not have three parts");
  }
  const auto signature = base64url_decode(token.substr(last + 1));
  const Sha256 expected = hmac_sha256(secret, token.substr(0, last));
  if (!signature || !constant_time_equal(*signature, view(expected))) {
    return bad("the signature does not fit");
  }
  const auto header_text = base64url_decode(token.substr(0, first));
  const auto payload_text = base64url_decode(token.substr(first + 1, last - first - 1));
  if (!header_text || !payload_text) return bad("it is not base64url");
  const auto header = parse_object(*header_text);
  if (!header || text_of(*header, "alg") != "HS256") return bad("the algorithm is not HS256");
  if (header->contains("crit")) return bad("it has critical extensions");
  const auto payload = parse_object(*payload_text);
  if (!payload) return bad("the payload is not a JSON object");

  JwtClaims claims;
  claims.subject = text_of(*payload, "sub");
  claims.name = text_of(*payload, "name");
  claims.device = text_of(*payload, "device");
  if (!check_handle(claims.subject)) return bad("`sub` is not a handle");
  if (!claims.name.empty() && !check_display_name(claims.name)) claims.name.clear();
  const auto expires = time_of(*payload, "exp");
  if (!expires) return bad("`exp` is missing");
  claims.expires_ms = *expires;
  if (payload->contains("iat")) {
    const auto issued = time_of(*payload, "iat");
    if (!issued) return bad("`iat` is not a time");
    if (*issued > now.ms + kJwtSkewMs) return bad("it was issued in the future");
    claims.issued_ms = *issued;
  }
  if (payload->contains("nbf")) {
    const auto from = time_of(*payload, "nbf");
    if (!from || *from > now.ms + kJwtSkewMs) return bad("it is not valid yet");
  }
  if (claims.expires_ms + kJwtSkewMs <= now.ms) {
    return make_error(ErrorCode::kTokenExpired, "the token has expired");
  }
  return claims;
}

Result<std::unique_ptr<Authenticator>> jwt_authenticator(std::string secret, Clock& clock) {
  if (secret.size() < kJwtSecretBytesMin) {
    return make_error(ErrorCode::kInvalidArgument, "the token secret must have at least 32 bytes");
  }
  return std::unique_ptr<Authenticator>(new JwtAuthenticator(std::move(secret), clock));
}

std::string make_jwt(std::string_view secret, const Identity& identity) {
  JwtClaims claims;
  claims.subject = identity.handle;
  claims.name = identity.display_name;
  claims.issued_ms = identity.issued_ms;
  claims.expires_ms = identity.expires_ms;
  return encode_jwt(claims, secret);
}

}  // namespace kith::server
