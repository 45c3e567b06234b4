// Any bytes as a token: nothing may crash, and what is not signed may not be accepted.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/auth/jwt.h"
#include "src/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kSecret(32, 's');
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  constexpr kith::Timestamp kNow{1'800'000'000'000};
  (void)kith::server::decode_jwt(bytes, kSecret, kNow);
  // The payload behind a right signature: the reader of JSON.
  const std::string head =
      kith::base64url_encode(R"({"alg":"HS256"})") + "." + kith::base64url_encode(bytes);
  const std::string token =
      head + "." + kith::base64url_encode(kith::view(kith::hmac_sha256(kSecret, head)));
  const auto claims = kith::server::decode_jwt(token, kSecret, kNow);
  if (claims && claims->subject.empty()) std::abort();
  return 0;
}
