// Addresses of clients from proxies: both versions of the PROXY protocol, X-Forwarded-For, and ClientHellos.
#include "server/gateway/proxy_header.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "server/gateway/client_hello.h"

namespace kith::server {
namespace {

using Kind = ProxyHeader::Kind;

std::string client_of(const ProxyHeader& header) {
  return header.client ? header.client->text() : "none";
}

std::string version_2(int command, int family, const std::string& rest) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(0x20 | command);
  out += static_cast<char>(family << 4 | 1);
  out += static_cast<char>(rest.size() >> 8);
  out += static_cast<char>(rest.size());
  return out + rest;
}

const std::string kV4("\x0a\x01\x02\x03\x7f\0\0\x01\x12\x34\x01\xbb", 12);

TEST(ProxyHeader, ReadsVersion1) {
  const std::string text = "PROXY TCP4 10.1.2.3 127.0.0.1 4660 443\r\n";
  const auto read = read_proxy_header(text + "GET / HTTP/1.1");
  EXPECT_EQ(read.kind, Kind::kRead);
  EXPECT_EQ(read.size, text.size());
  EXPECT_EQ(client_of(read), "10.1.2.3");
  EXPECT_EQ(client_of(read_proxy_header("PROXY TCP6 2001:db8::7 ::1 1 2\r\n")), "2001:db8::7");
  const auto unknown = read_proxy_header("PROXY UNKNOWN anything at all\r\n");
  EXPECT_EQ(unknown.kind, Kind::kRead);
  EXPECT_EQ(client_of(unknown), "none");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto part = read_proxy_header(std::string_view(text).substr(0, size));
    ASSERT_EQ(part.kind, Kind::kIncomplete) << size;
    ASSERT_GT(part.size, size);
    ASSERT_LE(part.size, text.size());
  }
}

TEST(ProxyHeader, ReadsVersion2) {
  const std::string text = version_2(1, 1, kV4 + "extensions");
  const auto read = read_proxy_header(text + "\x16\x03\x01");
  EXPECT_EQ(read.kind, Kind::kRead);
  EXPECT_EQ(read.size, text.size());
  EXPECT_EQ(client_of(read), "10.1.2.3");
  std::string v6(36, '\0');
  v6[0] = 0x20, v6[1] = 0x01, v6[15] = 0x09;
  EXPECT_EQ(client_of(read_proxy_header(version_2(1, 2, v6))), "2001::9");
  const auto local = read_proxy_header(version_2(0, 0, ""));
  EXPECT_EQ(local.kind, Kind::kRead);
  EXPECT_EQ(client_of(local), "none");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto part = read_proxy_header(std::string_view(text).substr(0, size));
    ASSERT_EQ(part.kind, Kind::kIncomplete) << size;
    ASSERT_GT(part.size, size);
    ASSERT_LE(part.size, text.size());
  }
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  std::string version_3 = version_2(1, 1, kV4);
  version_3[12] = 0x31;
  std::string command_2 = version_2(1, 1, kV4);
  command_2[12] = 0x22;
  for (const std::string& text :
       {std::string("GET /v1/ws HTTP/1.1\r\n\r\n"), std::string("\x16\x03\x01\x02"),
        std::string("PROXY TCP4 10.1.2.3 127.0.0.1 4660\r\n"),
        std::string("PROXY TCP4 localhost 127.0.0.1 1 2\r\n"),
        std::string("PROXY TCP4 10.1.2.3 127.0.0.1 1 99999\r\n"),
        std::string("PROXY TCP4 10.1.2.3 127.0.0.1 1 2 3\r\n"),
        std::string("PROXY UDP4 10.1.2.3 127.0.0.1 1 2\r\n"), "PROXY TCP4 " + std::string(200, '1'),
        version_3, command_2, version_2(1, 1, "short"), version_2(1, 1, std::string(5'000, 'e'))}) {
    EXPECT_EQ(read_proxy_header(text).kind, Kind::kNone) << text;
  }
}

TEST(ProxyHeader, BelievesForwardedAddressesAsFarAsProxiesAreTrusted) {
  const auto trusted = *AddressRanges::parse({"127.0.0.1", "10.0.0.0/8"});
  const auto client = [&](const char* peer, const std::vector<std::string>& said) {
    return forwarded_client(*PeerAddress::parse(peer), said, trusted).text();
  };
  EXPECT_EQ(client("127.0.0.1", {"1.2.3.4"}), "1.2.3.4");
  EXPECT_EQ(client("127.0.0.1", {"6.6.6.6, 1.2.3.4"}),
            "1.2.3.4");  // the first is the client's own word
  EXPECT_EQ(client("127.0.0.1", {"6.6.6.6", "1.2.3.4, 10.9.9.9"}), "1.2.3.4");
  EXPECT_EQ(client("127.0.0.1", {"10.1.1.1, 10.2.2.2"}), "10.1.1.1");
  EXPECT_EQ(client("127.0.0.1", {}), "127.0.0.1");
  EXPECT_EQ(client("127.0.0.1", {"unknown"}), "127.0.0.1");
  EXPECT_EQ(client("127.0.0.1", {"1.2.3.4, _hidden"}), "127.0.0.1");
  EXPECT_EQ(client("192.0.2.1", {"1.2.3.4"}), "192.0.2.1");  // nobody whose word is taken
  // As proxies write them.
  EXPECT_EQ(client("127.0.0.1", {"1.2.3.4:5678"}), "1.2.3.4");
  EXPECT_EQ(client("127.0.0.1", {"[2001:db8::7]:443"}), "2001:db8::7");
  EXPECT_EQ(client("127.0.0.1", {"[2001:db8::7]"}), "2001:db8::7");
  EXPECT_EQ(client("127.0.0.1", {"fe80::1%eth0"}), "fe80::1");
  EXPECT_EQ(client("127.0.0.1", {"1.2.3.4, ,"}), "1.2.3.4");
  for (const char* none :
       {"1.2.3.4:", "1.2.3.4:x", "1.2.3.4:70000", "[::1", "[::1]x", "[::1]:", ":80", "%"})
    EXPECT_EQ(client("127.0.0.1", {none}), "127.0.0.1") << none;
  std::string many = "6.6.6.6";
  for (int i = 0; i < 10'000; ++i) many += ",10.0.0.1";
  EXPECT_EQ(client("127.0.0.1", {many}), "10.0.0.1");
}

TEST(ClientHello, SaysHowMuchOfItMustBeThere) {
  std::string hello("\x16\x03\x01\x01\x2c\x01\x00\x01\x28\x03\x03", 11);
  for (std::size_t size = 0; size < 9; ++size) {
    EXPECT_EQ(client_hello_needs(hello.substr(0, size)), 9U);
  }
  EXPECT_EQ(client_hello_needs(hello), 305U);
  EXPECT_EQ(client_hello_needs("GET / HTTP/1.1"), std::nullopt);
  EXPECT_EQ(client_hello_needs("\x16\x02"), std::nullopt);
  hello[5] = 2;  // not what a client begins with
  EXPECT_EQ(client_hello_needs(hello), std::nullopt);
  EXPECT_EQ(client_hello_needs(std::string("\x16\x03\x01\x40\x00\x01\x01\xff\xff", 9)),
            std::nullopt);
}

}  // namespace
}  // namespace kith::server
