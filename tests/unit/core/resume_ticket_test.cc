// A resume ticket opens with the right key, in time, unaltered — and in no other case.
#include "src/resume_ticket.h"

#include <gtest/gtest.h>

#include "kith/v1/cluster.pb.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

const std::string kKey(32, 'k');
constexpr Timestamp kNow{1'000'000};

v1::ResumeTicket ticket() {
  v1::ResumeTicket t;
  t.set_user_id(std::string(16, 'u'));
  t.set_device_id(std::string(16, 'd'));
  t.set_issued_ms(7);
  t.set_expires_ms(kNow.ms + 600'000);
  t.set_token_expires_ms(kNow.ms + 900'000);
  return t;
}

ErrorCode code_of(const std::string& sealed, const std::string& key, Timestamp now) {
  const auto opened = open_ticket(sealed, key, now);
  EXPECT_FALSE(opened.ok());
  return opened.ok() ? ErrorCode::kInternal : opened.error().code;
}

TEST(ResumeTicket, OpensWhatWasSealed) {
  const auto opened = open_ticket(*seal(ticket(), kKey), kKey, kNow);
  ASSERT_TRUE(opened.ok()) << opened.error().to_string();
  EXPECT_EQ(opened->SerializeAsString(), ticket().SerializeAsString());
}

TEST(ResumeTicket, ExpiresToTheMillisecond) {
  const std::string sealed = *seal(ticket(), kKey);
  EXPECT_TRUE(open_ticket(sealed, kKey, Timestamp{kNow.ms + 599'999}).ok());
  EXPECT_EQ(code_of(sealed, kKey, Timestamp{kNow.ms + 600'000}), ErrorCode::kTokenExpired);
}

TEST(ResumeTicket, EndsWithTheTokenItWasMadeFor) {
  v1::ResumeTicket t = ticket();
  t.set_token_expires_ms(kNow.ms + 10);
  EXPECT_TRUE(open_ticket(*seal(t, kKey), kKey, kNow).ok());
  EXPECT_EQ(code_of(*seal(t, kKey), kKey, Timestamp{kNow.ms + 10}), ErrorCode::kTokenExpired);
  t.set_token_expires_ms(0);  // a token without an end
  EXPECT_TRUE(open_ticket(*seal(t, kKey), kKey, Timestamp{kNow.ms + 10}).ok());
}

TEST(ResumeTicket, AnotherKeyDoesNotOpenIt) {
  EXPECT_EQ(code_of(*seal(ticket(), kKey), std::string(32, 'x'), kNow),
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(code_of(*seal(ticket(), kKey), kKey + "k", kNow), ErrorCode::kUnauthenticated);
}

TEST(ResumeTicket, ShortKeysAreRefused) {
  EXPECT_EQ(seal(ticket(), std::string(31, 'k')).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(*seal(ticket(), kKey), "", kNow), ErrorCode::kUnauthenticated);
}

TEST(ResumeTicket, EveryTruncationIsRefused) {
  const std::string sealed = *seal(ticket(), kKey);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(code_of(sealed.substr(0, size), kKey, kNow), ErrorCode::kUnauthenticated) << size;
  }
  EXPECT_EQ(code_of(sealed + "x", kKey, kNow), ErrorCode::kUnauthenticated);
}

TEST(ResumeTicket, EveryAlteredBitIsRefused) {
  const std::string sealed = *seal(ticket(), kKey);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string altered = sealed;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(code_of(altered, kKey, kNow), ErrorCode::kUnauthenticated) << bit;
  }
}

TEST(ResumeTicket, GenuineWithoutIdsIsRefused) {
  v1::ResumeTicket t = ticket();
  t.set_device_id("short");
  EXPECT_EQ(code_of(*seal(t, kKey), kKey, kNow), ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace kith
