// JSON Web Tokens and the authenticator that accepts them; the only place of the server that reads
// JSON.
#include "server/auth/jwt.h"

#include <algorithm>
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

// Tokens are flat objects: deeper nesting is rejected before it is built.
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

// A whole number that this server has written; 0 if there is none.
std::int64_t number_of(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
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

constexpr std::int64_t kNotYetRetryMs = 60'000;

Error bad(const char* why) {
  return make_error(ErrorCode::kUnauthenticated, std::string("the token is not valid: ") + why);
}

// The token becomes valid with time, or when a clock is set: the same token is worth another try.
Error not_yet(std::int64_t from_ms, std::int64_t now_ms) {
  const std::int64_t wait = std::clamp<std::int64_t>(from_ms - now_ms, 1'000, kNotYetRetryMs);
  return make_error(ErrorCode::kUnavailable,
                    "the token is not valid yet: the clock of its maker or of this server is wrong",
                    static_cast<std::uint32_t>(wait));
}

class JwtAuthenticator : public Authenticator {
 public:
  JwtAuthenticator(JwtOptions options, Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  void authenticate(std::string_view token, Done<Identity> done) override {
    const Timestamp now = clock_.wall();
    auto claims = decode_jwt(token, options_, now);
    if (!claims) {
      done(claims.error());
      return;
    }
    // A session ends when its token would no longer be accepted.
    const std::int64_t end_ms = claims->expires_ms + options_.leeway.count();
    done(Identity{claims->subject, claims->name, claims->issued_ms, end_ms, claims->digest});
  }

 private:
  JwtOptions options_;
  Clock& clock_;
};

bool fits(std::string_view secret, std::string_view what, std::string_view signature) {
  return constant_time_equal(signature, view(hmac_sha256(secret, what)));
}

// `aud` is one name or a list of names.
bool names(const Json& audience, const std::string& wanted) {
  if (audience.is_string()) return audience.get_ref<const std::string&>() == wanted;
  if (!audience.is_array()) return false;
  return std::any_of(audience.begin(), audience.end(),
                     [&](const Json& one) { return one.is_string() && names(one, wanted); });
}

// RFC 7519, 4.1.3: a server that is no audience itself rejects a token that has one.
Status check_addressee(const Json& payload, const JwtOptions& rules) {
  const auto audience = payload.find("aud");
  if (rules.audience.empty() && audience != payload.end()) {
    return bad("it has an audience, and this server is set up without one");
  }
  if (!rules.audience.empty() && (audience == payload.end() || !names(*audience, rules.audience))) {
    return bad("it is for another audience");
  }
  if (!rules.issuer.empty() && text_of(payload, "iss") != rules.issuer) {
    return bad("it is of another issuer");
  }
  return {};
}

// A NumericDate of RFC 7519: a whole number where it is one, since some libraries take no other.
Json seconds_of(std::int64_t ms) {
  if (ms % 1000 == 0) return ms / 1000;
  return static_cast<double>(ms) / 1000.0;
}

}  // namespace

std::string encode_jwt(const JwtClaims& claims, std::string_view secret) {
  Json payload = {{"sub", claims.subject}, {"exp", seconds_of(claims.expires_ms)}};
  if (claims.issued_ms != 0) payload["iat"] = seconds_of(claims.issued_ms);
  if (!claims.name.empty()) payload["name"] = claims.name;
  if (!claims.device.empty()) payload["device"] = claims.device;
  if (claims.user_ended_ms != 0) payload["user_ended_ms"] = claims.user_ended_ms;
  if (claims.device_ended_ms != 0) payload["device_ended_ms"] = claims.device_ended_ms;
  if (!claims.audience.empty()) payload["aud"] = claims.audience;
  if (!claims.issuer.empty()) payload["iss"] = claims.issuer;
  if (!claims.id.empty()) payload["jti"] = claims.id;
  const std::string text = payload.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string token =
      base64url_encode(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url_encode(text);
  return token + "." + base64url_encode(view(hmac_sha256(secret, token)));
}

Result<JwtClaims> decode_jwt(std::string_view token, std::string_view secret, Timestamp now) {
  JwtOptions rules;
  rules.secret = secret;
  return decode_jwt(token, rules, now);
}

Result<JwtClaims> decode_jwt(std::string_view token, const JwtOptions& rules, Timestamp now) {
  return decode_jwt(token, rules, now, false);
}

Result<JwtClaims> decode_jwt(std::string_view token, const JwtOptions& rules, Timestamp now,
                             bool rules_of_own) {
  if (token.size() > limits::token_bytes_max) return bad("it is too long");
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return bad("it does not have three parts");
  }
  const auto signature = base64url_decode(token.substr(last + 1));
  const std::string_view is_signed = token.substr(0, last);
  const bool genuine =
      signature &&
      (fits(rules.secret, is_signed, *signature) ||
       (!rules.previous_secret.empty() && fits(rules.previous_secret, is_signed, *signature)));
  if (!genuine) return bad("the signature does not fit");
  const auto header_text = base64url_decode(token.substr(0, first));
  const auto payload_text = base64url_decode(token.substr(first + 1, last - first - 1));
  if (!header_text || !payload_text) return bad("it is not base64url");
  const auto header = parse_object(*header_text);
  if (!header || text_of(*header, "alg") != "HS256") return bad("the algorithm is not HS256");
  if (header->contains("crit")) return bad("it has critical extensions");
  const auto payload = parse_object(*payload_text);
  if (!payload) return bad("the payload is not a JSON object");
  if (const Status meant = check_addressee(*payload, rules); !meant) return meant.error();

  JwtClaims claims;
  const Hash16 digest = hash16(is_signed);
  claims.digest.assign(digest.begin(), digest.end());
  claims.id = text_of(*payload, "jti");
  claims.subject = text_of(*payload, "sub");
  claims.name = text_of(*payload, "name");
  claims.device = text_of(*payload, "device");
  claims.user_ended_ms = number_of(*payload, "user_ended_ms");
  claims.device_ended_ms = number_of(*payload, "device_ended_ms");
  if (!check_handle(claims.subject)) return bad("`sub` is not a handle");
  if (!claims.name.empty() && !check_display_name(claims.name)) claims.name.clear();
  const std::int64_t leeway = rules.leeway.count();
  const auto expires = time_of(*payload, "exp");
  if (!expires) return bad("`exp` is missing");
  claims.expires_ms = *expires;
  if (payload->contains("iat")) {
    const auto issued = time_of(*payload, "iat");
    if (!issued) return bad("`iat` is not a time");
    if (*issued > now.ms + leeway && !rules_of_own) return not_yet(*issued - leeway, now.ms);
    claims.issued_ms = *issued;
  }
  if (payload->contains("nbf")) {
    const auto from = time_of(*payload, "nbf");
    if (!from) return bad("`nbf` is not a time");
    if (*from > now.ms + leeway) return not_yet(*from - leeway, now.ms);
  }
  if (claims.expires_ms + leeway <= now.ms) {
    return make_error(ErrorCode::kTokenExpired, "the token has expired");
  }
  return claims;
}

Result<std::unique_ptr<Authenticator>> jwt_authenticator(JwtOptions options, Clock& clock) {
  const auto refused = [](const char* why) { return make_error(ErrorCode::kInvalidArgument, why); };
  if (options.secret.size() < kJwtSecretBytesMin) {
    return refused("the token secret must have at least 32 bytes");
  }
  if (!options.previous_secret.empty() && options.previous_secret.size() < kJwtSecretBytesMin) {
    return refused("the previous token secret must have at least 32 bytes");
  }
  if (options.leeway.count() < 0 || options.leeway > kJwtLeewayMax) {
    return refused("the leeway for tokens must be 0 to 10 minutes");
  }
  return std::unique_ptr<Authenticator>(new JwtAuthenticator(std::move(options), clock));
}

Result<std::unique_ptr<Authenticator>> jwt_authenticator(std::string secret, Clock& clock) {
  JwtOptions options;
  options.secret = std::move(secret);
  return jwt_authenticator(std::move(options), clock);
}

std::string make_jwt(const JwtOptions& options, const Identity& identity) {
  JwtClaims claims;
  claims.subject = identity.handle;
  claims.name = identity.display_name;
  claims.issued_ms = identity.issued_ms;
  claims.expires_ms = identity.expires_ms;
  claims.id = identity.token_id;
  claims.audience = options.audience;
  claims.issuer = options.issuer;
  return encode_jwt(claims, options.secret);
}

std::string make_jwt(std::string_view secret, const Identity& identity) {
  JwtOptions options;
  options.secret = secret;
  return make_jwt(options, identity);
}

}  // namespace kith::server
