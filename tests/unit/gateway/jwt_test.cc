// Tokens: what is accepted, and that everything else is refused by the right name.
#include "server/auth/jwt.h"

#include <gtest/gtest.h>

#include "kith/server/hooks.h"
#include "server/auth/account_tokens.h"
#include "src/hash.h"

namespace kith::server {
namespace {

const std::string kSecret(32, 's');
constexpr Timestamp kNow{1'800'000'000'000};

std::string signed_token(const std::string& header, const std::string& payload) {
  const std::string head = base64url_encode(header) + "." + base64url_encode(payload);
  return head + "." + base64url_encode(view(hmac_sha256(kSecret, head)));
}

ErrorCode refused(const std::string& token) {
  const auto claims = decode_jwt(token, kSecret, kNow);
  return claims ? ErrorCode::kInternal : claims.error().code;
}

TEST(Jwt, ComesBackAsItWasMade) {
  JwtClaims claims;
  claims.subject = "zoë";
  claims.name = "Zoë \"Z\"";
  claims.issued_ms = kNow.ms - 1'234;
  claims.expires_ms = kNow.ms + 60'000;
  const auto read = decode_jwt(encode_jwt(claims, kSecret), kSecret, kNow);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->subject, claims.subject);
  EXPECT_EQ(read->name, claims.name);
  EXPECT_EQ(read->issued_ms, claims.issued_ms);
  EXPECT_EQ(read->expires_ms, claims.expires_ms);
}

TEST(Jwt, AcceptsTokensOfOtherMakers) {
  EXPECT_TRUE(decode_jwt(signed_token(R"({"typ":"JWT","alg":"HS256","kid":"1"})",
                                      R"({"sub":"a","exp":1800000100,"aud":["x"],"roles":[1]})"),
                         kSecret, kNow)
                  .ok());
}

TEST(Jwt, RefusesWhatIsNotSignedWithTheSecretByHs256) {
  const std::string payload = R"({"sub":"a","exp":1800000100})";
  EXPECT_EQ(refused(signed_token(R"({"alg":"none"})", payload)), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(signed_token(R"({"alg":"HS512"})", payload)), ErrorCode::kUnauthenticated);
  EXPECT_EQ(refused(signed_token(R"({"alg":"HS256","crit":["b64"]})", payload)),
            ErrorCode::kUnauthenticated);
  std::string token = signed_token(R"({"alg":"HS256"})", payload);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refused(altered), ErrorCode::kUnauthenticated) << i;
  }
  for (std::size_t i = 0; i < token.size(); ++i) {
    EXPECT_EQ(refused(token.substr(0, i)), ErrorCode::kUnauthenticated) << i;
  }
}

TEST(Jwt, RefusesMissingOrSenselessClaims) {
  const std::string header = R"({"alg":"HS256"})";
  for (const char* payload :
       {R"({"sub":"a"})", R"({"exp":1800000100})", R"({"sub":"","exp":1800000100})",
        R"({"sub":5,"exp":1800000100})", R"({"sub":"a","exp":"1800000100"})",
        R"({"sub":"a","exp":1e300})", R"({"sub":"a","exp":-5})", R"([])", R"(nonsense)",
        R"({"sub":"a","exp":1800000100,"iat":1800000061})",
        R"({"sub":"a","exp":1800000100,"nbf":1800000061})"}) {
    EXPECT_EQ(refused(signed_token(header, payload)), ErrorCode::kUnauthenticated) << payload;
  }
}

// R-30: a token that was right once is told apart from a wrong one.
TEST(Jwt, TellsAnExpiredTokenAllowingForSkew) {
  const std::string header = R"({"alg":"HS256"})";
  EXPECT_EQ(refused(signed_token(header, R"({"sub":"a","exp":1799999940})")),
            ErrorCode::kTokenExpired);
  EXPECT_TRUE(
      decode_jwt(signed_token(header, R"({"sub":"a","exp":1799999941})"), kSecret, kNow).ok());
}

TEST(Jwt, AuthenticatorNeedsALongSecret) {
  EXPECT_EQ(jwt_authenticator("short").error().code, ErrorCode::kInvalidArgument);
}

TEST(AccountTokens, OneKindNeverStandsForTheOther) {
  const AccountTokens tokens(kSecret);
  const DeviceId device(std::array<std::uint8_t, 16>{7});
  const std::string token = tokens.issue({"ann", device, kNow.ms, kNow.ms + 60'000});
  ASSERT_TRUE(tokens.read(token, kNow).ok());
  EXPECT_EQ(tokens.read(token, kNow)->device, device);
  EXPECT_FALSE(tokens.read_ticket(token, kNow).ok());
  EXPECT_FALSE(decode_jwt(token, kSecret, kNow).ok()) << "not a token of the host";
  const auto ticket = tokens.issue_ticket({UserId::of("ann"), device, kNow.ms, 0}, kNow);
  ASSERT_TRUE(ticket.ok());
  EXPECT_TRUE(tokens.read_ticket(*ticket, kNow).ok());
  EXPECT_EQ(tokens.read_ticket(*ticket, Timestamp{kNow.ms + 600'001}).error().code,
            ErrorCode::kTokenExpired);
  EXPECT_FALSE(AccountTokens(std::string(32, 'x')).read_ticket(*ticket, kNow).ok());
}

}  // namespace
}  // namespace kith::server
