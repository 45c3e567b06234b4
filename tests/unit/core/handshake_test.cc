// Version and capability negotiation in both roles.
#include "src/handshake.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kith/v1/session.pb.h"

namespace kith::handshake {
namespace {

v1::Hello own_hello() {
  v1::Hello hello;
  offer(hello);
  return hello;
}

v1::Welcome good_welcome() {
  v1::Welcome welcome;
  welcome.set_session_id(std::string(16, 's'));
  welcome.set_user_id(std::string(16, 'u'));
  welcome.set_heartbeat_s(30);
  return welcome;
}

TEST(Handshake, OwnOfferIsAccepted) {
  const auto agreed = negotiate(own_hello());
  ASSERT_TRUE(agreed.ok());
  EXPECT_EQ(agreed->minor, kMinor);
  EXPECT_TRUE(std::equal(agreed->caps.begin(), agreed->caps.end(), capabilities().begin(),
                         capabilities().end()));
  EXPECT_TRUE(std::is_sorted(agreed->caps.begin(), agreed->caps.end()));
}

//
TEST(Handshake, NewerClientGetsThisMinorAndItsUnknownCapabilitiesAreIgnored) {
  v1::Hello hello;
  hello.set_major(kMajor);
  hello.set_minor(kMinor + 7);
  hello.add_caps("teleport");
  hello.add_caps("receipts");
  hello.add_caps("receipts");
  const auto agreed = negotiate(hello);
  ASSERT_TRUE(agreed.ok());
  EXPECT_EQ(agreed->minor, kMinor);
  EXPECT_EQ(agreed->caps, std::vector<std::string_view>{"receipts"});
}

//
TEST(Handshake, AnotherMajorIsToldToUpgrade) {
  for (const std::uint32_t major : {0u, kMajor + 1, 0xffffffffu}) {
    v1::Hello hello = own_hello();
    hello.set_major(major);
    EXPECT_EQ(negotiate(hello).error().code, ErrorCode::kUpgradeRequired) << major;
  }
}

TEST(Handshake, ClientTakesAWelcome) {
  EXPECT_TRUE(check_welcome(good_welcome()).ok());
  v1::Welcome with_unknown_cap = good_welcome();
  with_unknown_cap.add_caps("teleport");
  EXPECT_TRUE(check_welcome(with_unknown_cap).ok());
}

TEST(Handshake, ClientRefusesAWelcomeItCannotWorkWith) {
  v1::Welcome w = good_welcome();
  w.set_minor(kMinor + 1);
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kUpgradeRequired);
  w = good_welcome();
  w.set_session_id("short");
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kProtocol);
  w = good_welcome();
  w.clear_user_id();
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kProtocol);
  w = good_welcome();
  w.set_heartbeat_s(0);  // would ping without a pause
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kProtocol);
  w.set_heartbeat_s(1'000'000);
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kProtocol);
  w = good_welcome();
  w.set_resume_ticket(std::string(5'000, 't'));
  EXPECT_EQ(check_welcome(w).error().code, ErrorCode::kProtocol);
}

}  // namespace
}  // namespace kith::handshake
