// Requests that become a WebSocket, and the answer to those that do not.
#include "server/gateway/upgrade_request.h"

#include <gtest/gtest.h>

#include <map>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

using Kind = UpgradeRequest::Kind;

struct Request {
  std::string first = "GET /v1/ws HTTP/1.1";
  std::map<std::string, std::string> fields = {
      {"Host", "localhost"},           {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
      {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Protocol", "kith.v1"}};
  std::string more;

  Request with(const std::string& name, const std::string& value) const {
    Request other = *this;
    other.fields[name] = value;
    return other;
  }
  Request without(const std::string& name) const {
    Request other = *this;
    other.fields.erase(name);
    return other;
  }
  std::string text() const {
    std::string out = first + "\r\n";
    for (const auto& [name, value] : fields) out += name + ": " + value + "\r\n";
    return out + more + "\r\n";
  }
};

std::string status_of(const Request& request) {
  const auto read = read_upgrade_request(request.text());
  switch (read.kind) {
    case Kind::kUpgrade:
      return "101";
    case Kind::kHealth:
      return "200";
    case Kind::kIncomplete:
      return "more";
    case Kind::kRefused:
      break;
  }
  return std::string(read.status.substr(0, 3));
}

TEST(UpgradeRequest, TakesWhatClientsAndProxiesSend) {
  const Request plain;
  EXPECT_EQ(status_of(plain), "101");
  EXPECT_EQ(status_of(plain.with("Connection", "keep-alive, upgrade")), "101");
  EXPECT_EQ(status_of(plain.with("Upgrade", "WebSocket")), "101");
  EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Protocol", "chat, kith.v1")), "101");
  EXPECT_EQ(status_of(plain.without("Sec-WebSocket-Protocol")), "101");
  EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Extensions", "permessage-deflate")), "101");
  EXPECT_EQ(status_of(plain.with("Origin", "https://elsewhere.example")), "101");
  EXPECT_EQ(status_of({"GET /v1/ws?x=1&y HTTP/1.1", plain.fields, {}}), "101");
  EXPECT_EQ(status_of({"GET http://localhost/v1/ws HTTP/1.1", plain.fields, {}}), "101");
  EXPECT_EQ(status_of(plain.with("Cookie", std::string(6'000, 'c'))), "101");
  EXPECT_EQ(status_of({"GET /health HTTP/1.1", {{"Host", "x"}}, {}}), "200");
  EXPECT_EQ(status_of({"GET /health HTTP/1.0", {}, {}}), "200");
  EXPECT_EQ(read_upgrade_request("\r\n" + plain.text()).kind, Kind::kUpgrade);
}

TEST(UpgradeRequest, TellsWhereTheFirstFrameBegins) {
  const std::string text = Request().text();
  const auto read = read_upgrade_request(text + "\x82\x80");
  EXPECT_EQ(read.size, text.size());
  EXPECT_EQ(read.key, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_TRUE(read.names_protocol);
}

TEST(UpgradeRequest, WaitsForTheWholeHead) {
  const std::string text = Request().text();
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_EQ(read_upgrade_request(std::string_view(text).substr(0, size)).kind, Kind::kIncomplete)
        << size;
  }
}

TEST(UpgradeRequest, AnswersEachFaultWithItsStatus) {
  const Request plain;
  EXPECT_EQ(status_of({"GET / HTTP/1.1", plain.fields, {}}), "404");
  EXPECT_EQ(status_of({"GET /v1/ws/ HTTP/1.1", plain.fields, {}}), "404");
  EXPECT_EQ(status_of({"GET //v1/ws HTTP/1.1", plain.fields, {}}), "404");
  EXPECT_EQ(status_of({"GET /../../etc/passwd HTTP/1.1", plain.fields, {}}), "404");
  EXPECT_EQ(status_of({"POST /v1/ws HTTP/1.1", plain.fields, {}}), "405");
  EXPECT_EQ(status_of({"GET /v1/ws HTTP/1.0", plain.fields, {}}), "505");
  EXPECT_EQ(status_of({"GET /v1/ws HTTP/2.0", plain.fields, {}}), "505");
  EXPECT_EQ(status_of({"GET /v1/ws", plain.fields, {}}), "400");
  EXPECT_EQ(status_of({"G(T /v1/ws HTTP/1.1", plain.fields, {}}), "400");
  EXPECT_EQ(status_of({"GET /v1/ ws HTTP/1.1", plain.fields, {}}), "400");
  EXPECT_EQ(status_of(plain.without("Upgrade")), "426");
  EXPECT_EQ(status_of(plain.without("Connection")), "426");
  EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Version", "8")), "426");
  EXPECT_EQ(status_of(plain.without("Sec-WebSocket-Key")), "400");
  EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Key", "short==")), "400");
  EXPECT_EQ(status_of(plain.without("Host")), "400");
  EXPECT_EQ(status_of({plain.first, plain.fields, "Host: other\r\n"}), "400");
  EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Protocol", "chat")), "400");
  EXPECT_EQ(status_of(plain.with("Content-Length", "5")), "400");
  EXPECT_EQ(status_of(plain.with("Transfer-Encoding", "chunked")), "400");
  EXPECT_EQ(status_of({plain.first, plain.fields, "Bad Name: x\r\n"}), "400");
  EXPECT_EQ(status_of({plain.first, plain.fields, "X : x\r\n"}), "400");
  EXPECT_EQ(status_of({plain.first, plain.fields, " folded\r\n"}), "400");
  EXPECT_EQ(status_of({plain.first, plain.fields, std::string("X: \0\r\n", 6)}), "400");
}

TEST(UpgradeRequest, RefusesBareLineEndsAndOtherProtocolsAtOnce) {
  EXPECT_EQ(read_upgrade_request("GET /v1/ws HTTP/1.1\nHost: x\n").status.substr(0, 3), "400");
  EXPECT_EQ(read_upgrade_request("\x16\x03\x01").status.substr(0, 3), "400");
}

TEST(UpgradeRequest, AnswersALargeHeadWith431) {
  const std::string large =
      Request().with("Cookie", std::string(limits::request_head_bytes_max, 'c')).text();
  EXPECT_EQ(read_upgrade_request(large).status.substr(0, 3), "431");
  // Also one that never ends, as soon as it is too large.
  const std::string_view part = std::string_view(large).substr(0, limits::request_head_bytes_max);
  EXPECT_EQ(read_upgrade_request(part.substr(0, part.size() - 1)).kind, Kind::kIncomplete);
  EXPECT_EQ(read_upgrade_request(part).status.substr(0, 3), "431");
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-H" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(status_of({"GET /v1/ws HTTP/1.1", Request().fields, many}), "431");
}

TEST(UpgradeRequest, KeepsWhatProxiesSayInItsOrder) {
  const Request plain;
  const auto read = read_upgrade_request(
      Request{plain.first, plain.fields,
              "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nx-forwarded-for: 9.9.9.9\r\n"}
          .text());
  EXPECT_EQ(read.forwarded_for, (std::vector<std::string>{"1.2.3.4, 5.6.7.8", "9.9.9.9"}));
}

TEST(PlainRequest, IsReadByTheSameRules) {
  using Plain = PlainRequest::Kind;
  const PlainRequest whole = read_plain_request("HEAD /ready?x=1 HTTP/1.0\r\nX: y\r\n\r\nmore");
  EXPECT_EQ(whole.kind, Plain::kWhole);
  EXPECT_EQ(whole.method, "HEAD");
  EXPECT_EQ(whole.path, "/ready");
  EXPECT_EQ(read_plain_request("GET /ready HTTP/1.1\r\n").kind, Plain::kIncomplete);
  EXPECT_EQ(read_plain_request("\x16\x03\x01").status, "400 Bad Request");
  EXPECT_EQ(read_plain_request("GET / HTTP/1.1\r\nX: " + std::string(9'000, 'a')).status,
            "431 Request Header Fields Too Large");
  EXPECT_EQ(read_plain_request("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").status,
            "400 Bad Request");
}

}  // namespace
}  // namespace kith::server
