// Tokens: the accepted ones, and the right error for all others.
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

// Libraries that read NumericDate as an integer take whole seconds only.
TEST(Jwt, WholeSecondsAreWholeNumbers) {
  JwtClaims claims;
  claims.subject = "a";
  claims.issued_ms = kNow.ms;
  claims.expires_ms = kNow.ms + 60'000;
  const std::string token = encode_jwt(claims, kSecret);
  const auto first = token.find('.') + 1;
  const auto payload = base64url_decode(token.substr(first, token.rfind('.') - first));
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(*payload, R"({"exp":1800000060,"iat":1800000000,"sub":"a"})");
}

TEST(Jwt, AcceptsTokensOfOtherMakers) {
  EXPECT_TRUE(decode_jwt(signed_token(R"({"typ":"JWT","alg":"HS256","kid":"1"})",
                                      R"({"sub":"a","exp":1800000100,"iss":"x","roles":[1]})"),
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
        R"({"sub":"a","exp":1800000100,"iat":"x"})", R"({"sub":"a","exp":1800000100,"nbf":"x"})"}) {
    EXPECT_EQ(refused(signed_token(header, payload)), ErrorCode::kUnauthenticated) << payload;
  }
}

// A clock is wrong, and will be right: nobody is sent away for good.
TEST(Jwt, WhatOnlyTimeMendsIsWorthAnotherTry) {
  for (const char* payload : {R"({"sub":"a","exp":1800000100,"iat":1800000061})",
                              R"({"sub":"a","exp":1900000000,"iat":1890000000})",
                              R"({"sub":"a","exp":1800000100,"nbf":1800000061})"}) {
    const auto claims = decode_jwt(signed_token(R"({"alg":"HS256"})", payload), kSecret, kNow);
    ASSERT_FALSE(claims.ok());
    EXPECT_EQ(claims.error().code, ErrorCode::kUnavailable) << payload;
    EXPECT_EQ(claims.error().retry(), Retry::kAfterBackoff);
    EXPECT_GT(claims.error().retry_after_ms, 0u);
    EXPECT_LE(claims.error().retry_after_ms, 60'000u);
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

TEST(Jwt, IsForTheAudienceAndOfTheIssuerThatAreSet) {
  const auto reads = [](const char* more, const char* audience, const char* issuer) {
    JwtOptions rules;
    rules.secret = kSecret;
    rules.audience = audience;
    rules.issuer = issuer;
    const std::string payload = std::string(R"({"sub":"a","exp":1800000100)") + more + "}";
    const auto claims = decode_jwt(signed_token(R"({"alg":"HS256"})", payload), rules, kNow);
    if (!claims) {
      EXPECT_EQ(claims.error().code, ErrorCode::kUnauthenticated);
    }
    return claims.ok();
  };
  EXPECT_TRUE(reads("", "", ""));
  EXPECT_FALSE(reads(R"(,"aud":"other")", "", "")) << "RFC 7519, 4.1.3";
  EXPECT_FALSE(reads(R"(,"aud":["other"])", "", ""));
  EXPECT_FALSE(reads(R"(,"aud":null)", "", ""));
  EXPECT_TRUE(reads(R"(,"aud":"kith")", "kith", ""));
  EXPECT_TRUE(reads(R"(,"aud":["other","kith"])", "kith", ""));
  for (const char* more :
       {"", R"(,"aud":"kith2")", R"(,"aud":"Kith")", R"(,"aud":[])", R"(,"aud":["other"])",
        R"(,"aud":5)", R"(,"aud":{"kith":"kith"})", R"(,"aud":[["kith"]])"}) {
    EXPECT_FALSE(reads(more, "kith", "")) << more;
  }
  EXPECT_TRUE(reads(R"(,"iss":"me")", "", "")) << "not looked at";
  EXPECT_TRUE(reads(R"(,"iss":"me")", "", "me"));
  for (const char* more : {"", R"(,"iss":"you")", R"(,"iss":["me"])", R"(,"iss":7)"}) {
    EXPECT_FALSE(reads(more, "", "me")) << more;
  }
}

TEST(Jwt, OfTwoSecretsBothVerify) {
  const std::string earlier(40, 'e');
  JwtOptions rules;
  rules.secret = kSecret;
  rules.previous_secret = earlier;
  const Identity ann{"ann", "", kNow.ms, kNow.ms + 60'000};
  EXPECT_TRUE(decode_jwt(make_jwt(kSecret, ann), rules, kNow).ok());
  EXPECT_TRUE(decode_jwt(make_jwt(earlier, ann), rules, kNow).ok());
  EXPECT_FALSE(decode_jwt(make_jwt(std::string(40, 'x'), ann), rules, kNow).ok());
  rules.previous_secret.clear();
  EXPECT_FALSE(decode_jwt(make_jwt(earlier, ann), rules, kNow).ok());
  EXPECT_FALSE(decode_jwt(make_jwt("", ann), rules, kNow).ok()) << "no secret is none";
}

TEST(Jwt, WhatIsMadeWithOptionsIsAcceptedByThem) {
  JwtOptions options;
  options.secret = kSecret;
  options.audience = "kith";
  options.issuer = "tests";
  const Identity ann{"ann", "", kNow.ms, kNow.ms + 60'000, "one"};
  const auto claims = decode_jwt(make_jwt(options, ann), options, kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->id, "one");
  Identity other = ann;
  other.token_id = "two";
  EXPECT_NE(claims->digest, decode_jwt(make_jwt(options, other), options, kNow)->digest);
}

TEST(Jwt, LeewayIsForEveryTimeInTheToken) {
  JwtOptions rules;
  rules.secret = kSecret;
  rules.leeway = std::chrono::seconds(5);
  const auto reads = [&](const char* claims) {
    const std::string payload = std::string(R"({"sub":"a",)") + claims + "}";
    return decode_jwt(signed_token(R"({"alg":"HS256"})", payload), rules, kNow).ok();
  };
  EXPECT_TRUE(reads(R"("exp":1799999996)"));
  EXPECT_FALSE(reads(R"("exp":1799999994)"));
  EXPECT_TRUE(reads(R"("exp":1800000100,"nbf":1800000004)"));
  EXPECT_FALSE(reads(R"("exp":1800000100,"nbf":1800000006)"));
  EXPECT_TRUE(reads(R"("exp":1800000100,"iat":1800000004)"));
  EXPECT_FALSE(reads(R"("exp":1800000100,"iat":1800000006)"));
}

TEST(Jwt, ASessionEndsWhenItsTokenIsNoLongerAccepted) {
  class Still : public Clock {
   public:
    Timestamp wall() override { return kNow; }
    std::int64_t steady_ms() override { return 0; }
  } clock;
  const auto accepts = jwt_authenticator(kSecret, clock);
  ASSERT_TRUE(accepts.ok());
  std::int64_t ends_ms = 0;
  const auto ask = [&](std::int64_t expires_ms) {
    (*accepts)->authenticate(make_jwt(kSecret, {"ann", "", 0, expires_ms}),
                             [&](const Result<Identity>& who) { ends_ms = who->expires_ms; });
    return ends_ms;
  };
  EXPECT_EQ(ask(kNow.ms + 1'000), kNow.ms + 61'000);
  EXPECT_EQ(ask(kNow.ms - 59'000), kNow.ms + 1'000);
}

TEST(Jwt, AuthenticatorNeedsALongSecret) {
  EXPECT_EQ(jwt_authenticator("short").error().code, ErrorCode::kInvalidArgument);
  JwtOptions options;
  options.secret = kSecret;
  EXPECT_TRUE(jwt_authenticator(options).ok());
  options.previous_secret = "short";
  EXPECT_EQ(jwt_authenticator(options).error().code, ErrorCode::kInvalidArgument);
  options.previous_secret.clear();
  options.leeway = std::chrono::hours(1);
  EXPECT_EQ(jwt_authenticator(options).error().code, ErrorCode::kInvalidArgument);
}

TEST(AccountTokens, WhatThePreviousSecretSignedStaysGood) {
  const AccountTokens before(kSecret);
  const AccountTokens after(std::string(32, 'n'), kSecret);
  const AccountTokens later(std::string(32, 'n'));
  const DeviceId device(std::array<std::uint8_t, 16>{7});
  const std::string old_token = before.issue({"ann", device, kNow.ms, kNow.ms + 60'000});
  const std::string old_ticket =
      *before.issue_ticket({UserId::of("ann"), device, kNow.ms, 0, "t"}, kNow);
  EXPECT_TRUE(after.read(old_token, kNow).ok());
  ASSERT_TRUE(after.read_ticket(old_ticket, kNow).ok());
  EXPECT_EQ(after.read_ticket(old_ticket, kNow)->token_id, "t");
  EXPECT_FALSE(later.read(old_token, kNow).ok());
  EXPECT_FALSE(later.read_ticket(old_ticket, kNow).ok());
  const std::string token = after.issue({"ann", device, kNow.ms, kNow.ms + 60'000});
  EXPECT_TRUE(later.read(token, kNow).ok()) << "the new one signs";
  EXPECT_FALSE(before.read(token, kNow).ok());
  EXPECT_EQ(after.read(token, Timestamp{kNow.ms + 600'000}).error().code, ErrorCode::kTokenExpired);
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
