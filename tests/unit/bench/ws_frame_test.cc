// WebSocket frames of the load generator.
#include "benchmarks/load/ws_frame.h"

#include <gtest/gtest.h>

#include "benchmarks/load/tls_openssl.h"

namespace kith::bench {
namespace {

// Does a server's part with a client's frame: checks the mask bit, takes the mask off.
std::string unmask(const std::string& frame, std::size_t head) {
  EXPECT_NE(static_cast<unsigned char>(frame[1]) & 0x80, 0);
  std::string out = frame.substr(head + 4);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<char>(out[i] ^ frame[head + i % 4]);
  return out;
}

std::string server_frame(unsigned char first, const std::string& payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else {
    out.push_back(126);
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size()));
  }
  return out + payload;
}

TEST(WsFrame, MasksEveryLengthRight) {
  for (const std::size_t size : {0UL, 1UL, 7UL, 8UL, 9UL, 125UL, 126UL, 4000UL, 65535UL, 65536UL}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 31);
    std::string frame;
    append_ws_frame(frame, WsOp::kBinary, payload, 0x8f3a7c11);
    const std::size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
    ASSERT_EQ(frame.size(), head + 4 + size);
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x82);
    EXPECT_EQ(unmask(frame, head), payload) << size;
  }
}

TEST(WsFrame, TakesWholeFramesOnlyHoweverTheBytesCome) {
  const std::string all = server_frame(0x82, "hello") + server_frame(0x89, "") +
                          server_frame(0x02, std::string(300, 'x')) +
                          server_frame(0x88, "\x03\xe8");
  for (std::size_t cut = 0; cut < all.size(); ++cut) {
    std::string_view left = std::string_view(all).substr(0, cut);
    WsFrame frame;
    std::size_t taken = 0;
    while (read_ws_frame(left, 65536, frame) == WsRead::kFrame) ++taken;
    EXPECT_EQ(taken, cut < 7 ? 0U : cut < 9 ? 1U : cut < 313 ? 2U : 3U) << cut;
  }
  std::string_view bytes = all;
  WsFrame frame;
  ASSERT_EQ(read_ws_frame(bytes, 65536, frame), WsRead::kFrame);
  EXPECT_EQ(frame.payload, "hello");
  EXPECT_TRUE(frame.fin);
  ASSERT_EQ(read_ws_frame(bytes, 65536, frame), WsRead::kFrame);
  EXPECT_EQ(frame.op, WsOp::kPing);
  ASSERT_EQ(read_ws_frame(bytes, 65536, frame), WsRead::kFrame);
  EXPECT_FALSE(frame.fin);
  EXPECT_EQ(frame.payload.size(), 300U);
  ASSERT_EQ(read_ws_frame(bytes, 65536, frame), WsRead::kFrame);
  EXPECT_EQ(frame.op, WsOp::kClose);
  EXPECT_TRUE(bytes.empty());
}

TEST(WsFrame, RefusesWhatNoServerMaySend) {
  WsFrame frame;
  std::string masked;
  append_ws_frame(masked, WsOp::kBinary, "x", 1);
  std::string_view bytes = masked;
  EXPECT_EQ(read_ws_frame(bytes, 100, frame), WsRead::kBad);
  const std::string reserved = server_frame(0xc2, "x");
  bytes = reserved;
  EXPECT_EQ(read_ws_frame(bytes, 100, frame), WsRead::kBad);
  const std::string large = server_frame(0x82, std::string(101, 'x'));
  bytes = std::string_view(large).substr(0, 4);  // said at once, not when all of it is there
  EXPECT_EQ(read_ws_frame(bytes, 100, frame), WsRead::kBad);
}

TEST(WsUpgrade, AcceptsOnlyAProvenSwitch) {
  // The example of RFC 6455.
  const std::string accept = websocket_accept("dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const std::string good =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nsec-websocket-ACCEPT: " + accept +
      "\r\n\r\n";
  EXPECT_TRUE(read_upgrade_answer(good + "\x82", accept).accepted);
  EXPECT_EQ(read_upgrade_answer(good + "\x82", accept).size, good.size());
  EXPECT_EQ(read_upgrade_answer(good.substr(0, good.size() - 1), accept).size, 0U);
  EXPECT_FALSE(read_upgrade_answer(good, "another").accepted);
  EXPECT_FALSE(read_upgrade_answer("HTTP/1.1 200 OK\r\n\r\n", accept).accepted);
}

}  // namespace
}  // namespace kith::bench
