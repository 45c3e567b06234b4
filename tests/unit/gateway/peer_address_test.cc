// Addresses of peers: one form for each, the group that limits count by, and ranges of proxies.
#include "server/gateway/peer_address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace kith::server {
namespace {

std::string text_of(std::string_view text) {
  const auto address = PeerAddress::parse(text);
  return address ? address->text() : "none";
}

TEST(PeerAddress, FoldsAnIpv4AddressThatIsWrittenAsIpv6) {
  EXPECT_EQ(text_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(text_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(PeerAddress::parse("::ffff:c000:207"), PeerAddress::parse("192.0.2.7"));
  EXPECT_EQ(text_of("2001:DB8:0:0::1"), "2001:db8::1");
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_addr = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}}};
  EXPECT_EQ(PeerAddress::from(reinterpret_cast<const sockaddr*>(&mapped)).text(), "10.1.2.3");
  EXPECT_EQ(PeerAddress::from(nullptr), PeerAddress());
}

TEST(PeerAddress, CountsIpv6BySubscriberAndIpv4ByAddress) {
  EXPECT_EQ(PeerAddress::parse("2001:db8:1:2:3:4:5:6")->group(),
            PeerAddress::parse("2001:db8:1:2:ffff::1")->group());
  EXPECT_NE(PeerAddress::parse("2001:db8:1:2::1")->group(),
            PeerAddress::parse("2001:db8:1:3::1")->group());
  EXPECT_EQ(PeerAddress::parse("2001:db8:1:2:3:4:5:6")->group_text(), "2001:db8:1:2::/64");
  EXPECT_NE(PeerAddress::parse("192.0.2.7")->group(), PeerAddress::parse("192.0.2.8")->group());
  EXPECT_EQ(PeerAddress::parse("::ffff:192.0.2.7")->group_text(), "192.0.2.7");
}

TEST(PeerAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "localhost",
                           "1.2.3.4 ", "::ffff:1.2.3.4.5", "0x7f.0.0.1"}) {
    EXPECT_EQ(text_of(text), "none") << text;
  }
}

TEST(PeerAddress, RangesContainWhatTheirBitsSay) {
  const auto ranges = AddressRanges::parse({"10.0.0.0/8", "192.0.2.1", "fd00::/9", "::1/128"});
  ASSERT_TRUE(ranges.ok());
  const auto holds = [&](const char* text) { return ranges->contain(*PeerAddress::parse(text)); };
  EXPECT_TRUE(holds("10.255.1.2"));
  EXPECT_TRUE(holds("::ffff:10.0.0.1"));
  EXPECT_FALSE(holds("11.0.0.1"));
  EXPECT_TRUE(holds("192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.2"));
  EXPECT_TRUE(holds("fd7f::1"));
  EXPECT_FALSE(holds("fd80::1"));
  EXPECT_TRUE(holds("::1"));
  EXPECT_FALSE(holds("::2"));
  EXPECT_FALSE(AddressRanges::parse({})->contain(*PeerAddress::parse("127.0.0.1")));
  EXPECT_TRUE(AddressRanges::parse({"0.0.0.0/0"})->contain(*PeerAddress::parse("8.8.8.8")));
  EXPECT_FALSE(AddressRanges::parse({"0.0.0.0/0"})->contain(*PeerAddress::parse("2001:db8::1")));
}

TEST(PeerAddress, NamesTheRangeThatIsWrong) {
  for (const char* text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x", "proxy", "/8", "1.2.3.4/-1"}) {
    const auto ranges = AddressRanges::parse({"127.0.0.1", text});
    ASSERT_FALSE(ranges.ok()) << text;
    EXPECT_EQ(ranges.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(ranges.error().message.find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace kith::server
