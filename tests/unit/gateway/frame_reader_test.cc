// Frames of clients: whole messages whatever the pieces, and a close code for every broken rule.
#include "server/gateway/frame_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "kith/core/limits.h"
#include "server/gateway/half_messages.h"
#include "src/split_mix.h"

namespace kith::server {
namespace {

using What = FrameReader::What;

struct Shape {
  int opcode = 2;
  bool final = true;
  bool masked = true;
  int reserved = 0;
  int wide = 0;  // 2 or 8: a length field that is larger than needed
};

std::string frame(const std::string& payload, const Shape& shape = {}) {
  std::string out(1,
                  static_cast<char>((shape.final ? 0x80 : 0) | shape.reserved << 4 | shape.opcode));
  const std::size_t size = payload.size();
  const int mask_bit = shape.masked ? 0x80 : 0;
  const int wide = shape.wide != 0 ? shape.wide : size < 126 ? 0 : size < 0x1'0000 ? 2 : 8;
  out += static_cast<char>(mask_bit | (wide == 0 ? static_cast<int>(size) : wide == 2 ? 126 : 127));
  for (int shift = 8 * (wide - 1); wide != 0 && shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<std::uint64_t>(size) >> shift);
  }
  if (!shape.masked) return out + payload;
  const std::string mask = "\x11\x22\x33\x44";
  out += mask;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

struct Seen {
  What what;
  std::string bytes;
  std::uint16_t code;
  friend bool operator==(const Seen&, const Seen&) = default;
};

// Reads in pieces of `piece` bytes.
std::vector<Seen> read(std::string wire, std::size_t piece = 1 << 20) {
  FrameReader reader;
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    std::span<char> bytes(wire.data() + at, std::min(piece, wire.size() - at));
    while (true) {
      const FrameReader::Event event = reader.next(bytes);
      if (event.what == What::kNothing) break;
      seen.push_back({event.what, std::string(event.bytes), event.code});
    }
    EXPECT_TRUE(bytes.empty());
  }
  return seen;
}

std::uint16_t refused(const std::string& wire) {
  const auto seen = read(wire);
  return seen.empty() || seen.back().what != What::kRefused ? 0 : seen.back().code;
}

TEST(FrameReader, ReadsMessagesWhateverThePiecesTheyComeIn) {
  const std::string large(70, 'l');
  const std::string wire = frame("one") + frame("") + frame("fra", {2, false}) + frame("p", {9}) +
                           frame("", {0, false}) + frame("gments", {0, true}) +
                           frame(large + large) + frame("q", {10}) +
                           frame(std::string("\x03\xe8", 2) + "bye", {8}) + "ignored";
  const std::vector<Seen> expected = {{What::kMessage, "one", 0},
                                      {What::kMessage, "", 0},
                                      {What::kPing, "p", 0},
                                      {What::kPiece, "", 0},
                                      {What::kMessage, "fragments", 0},
                                      {What::kMessage, large + large, 0},
                                      {What::kPong, "q", 0},
                                      {What::kClose, "bye", 1000}};
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 1'000U}) {
    EXPECT_EQ(read(wire, piece), expected) << piece;
  }
}

TEST(FrameReader, TakesTheLargestMessageAndNoLarger) {
  const std::string largest(limits::frame_bytes_max, 'x');
  for (const std::size_t piece : {1'000U, 70'000U}) {
    const auto seen = read(frame(largest), piece);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].bytes.size(), largest.size());
  }
  EXPECT_EQ(refused(frame(largest + "x")), 1009);
  EXPECT_EQ(refused(frame(largest, {2, false}) + frame("x", {0})), 1009);
  EXPECT_EQ(refused(std::string("\x82\xff\0\0\0\0\x40\0\0\0", 10) + "mask"), 1009);
  EXPECT_EQ(refused(std::string("\x82\xff\x80\0\0\0\0\0\0\0", 10) + "mask"), 1002);
}

TEST(FrameReader, RefusesAFrameThatIsNotMaskedAtItsSecondByte) {
  EXPECT_EQ(refused(frame("x", {2, true, false})), 1002);
  EXPECT_EQ(refused(std::string("\x82\x7f", 2)), 1002);
  EXPECT_EQ(refused(frame("x", {9, true, false})), 1002);
}

TEST(FrameReader, RefusesWhatBreaksARule) {
  for (const int reserved : {1, 2, 4, 7})
    EXPECT_EQ(refused(frame("x", {2, true, true, reserved})), 1002);
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 15})
    EXPECT_EQ(refused(frame("x", {opcode})), 1002);
  EXPECT_EQ(refused(frame("text", {1})), 1003);
  EXPECT_EQ(refused(frame("x", {0})), 1002);                           // continues nothing
  EXPECT_EQ(refused(frame("x", {2, false}) + frame("y", {2})), 1002);  // two beginnings
  EXPECT_EQ(refused(frame("x", {2, false}) + frame("y", {1})), 1002);
  EXPECT_EQ(refused(frame("x", {9, false})), 1002);  // a ping in pieces
  EXPECT_EQ(refused(frame(std::string(126, 'p'), {9})), 1002);
  EXPECT_EQ(refused(frame("short", {2, true, true, 0, 2})), 1002);  // not the least bytes
  EXPECT_EQ(refused(frame("short", {2, true, true, 0, 8})), 1002);
  EXPECT_EQ(refused(frame(std::string(300, 'm'), {2, true, true, 0, 8})), 1002);
}

TEST(FrameReader, ReadsCloseCodesThatMayBeSentOnly) {
  const auto close = [](std::uint16_t code, const std::string& reason = "") {
    return frame(std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason, {8});
  };
  EXPECT_EQ(read(frame("", {8})).back().code, 1005);
  for (const std::uint16_t code : {1000, 1001, 1011, 3000, 4999}) {
    EXPECT_EQ(read(close(code)).back(), (Seen{What::kClose, "", code}));
  }
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000}) {
    EXPECT_EQ(refused(close(code)), 1002) << code;
  }
  EXPECT_EQ(refused(frame("\x03", {8})), 1002);
  EXPECT_EQ(refused(close(1000, "\xff\xfe")), 1007);
}

TEST(FrameReader, NeverKeepsMoreThanAMessage) {
  SplitMix random(11);
  for (int run = 0; run < 300; ++run) {
    std::string wire;
    for (int i = 0; i < 200; ++i) wire += static_cast<char>(random.below(256));
    for (const Seen& seen : read(wire, 1 + random.below(40))) {
      EXPECT_LE(seen.bytes.size(), limits::frame_bytes_max);
    }
  }
}

TEST(FrameReader, KeepsNothingWhenItIsGivenUp) {
  FrameReader reader;
  std::string bytes = "\x82\xfe\x80\x01mask" + std::string(20'000, 'x');
  std::span<char> rest(bytes);
  EXPECT_EQ(reader.next(rest).what, What::kNothing);
  EXPECT_GE(reader.held(), 20'000U);
  reader.give_up();
  EXPECT_EQ(reader.held(), 0U);
  rest = std::span<char>(bytes);
  EXPECT_EQ(reader.next(rest).what, What::kNothing);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(reader.held(), 0U);
}

TEST(HalfMessages, TheFirstGivesWayWhenAllTogetherAreTooMuch) {
  constexpr std::size_t kFrame = 64 * 1024;
  HalfMessages half(4 * kFrame);
  for (std::uint32_t place = 0; place < 100; ++place)
    EXPECT_FALSE(half.note(place, HalfMessages::kSmall)) << "what is small is not counted";
  EXPECT_EQ(half.bytes(), 0U);
  for (std::uint32_t place = 0; place < 4; ++place) {
    EXPECT_FALSE(half.note(place, kFrame / 2));
    EXPECT_FALSE(half.note(place, kFrame));
  }
  EXPECT_EQ(half.note(7, kFrame), 0U);
  EXPECT_FALSE(half.note(1, 0)) << "whole";
  EXPECT_FALSE(half.note(8, kFrame));
  EXPECT_EQ(half.note(9, kFrame), 2U);
  for (const std::uint32_t place : {3U, 7U, 8U, 9U, 9U, 55U}) half.drop(place);
  EXPECT_EQ(half.bytes(), 0U);
  EXPECT_FALSE(half.note(5, 9 * kFrame)) << "one alone is as large as a frame may be";
}

}  // namespace
}  // namespace kith::server
