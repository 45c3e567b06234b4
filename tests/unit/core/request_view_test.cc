// The parser by hand reads the same as the generated code, and leaves unusual encodings to it.
#include "src/request_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "tests/unit/core/fakes.h"
#include "tests/unit/core/request_equality.h"

namespace kith {
namespace {

class RequestViewTest : public ::testing::Test {
 protected:
  std::uint64_t below(std::uint64_t bound) { return random.below(bound); }
  std::string bytes(std::size_t size) {
    std::string made(size, '\0');
    random.fill(made.data(), size);
    return made;
  }
  // Mostly as a client would write it.
  std::string id() { return below(8) == 0 ? bytes(below(20)) : bytes(16); }
  std::uint64_t number() { return bytes(1)[0] % 2 == 0 ? 0 : below(1ULL << below(50)); }
  v1::ClientFrame send() {
    v1::ClientFrame frame;
    frame.set_req_id(number());
    v1::SendBatch& batch = *frame.mutable_send();
    if (below(8) != 0) batch.set_conversation_id(id());
    if (below(2) == 0) batch.set_direct_peer(id());
    for (std::uint64_t n = below(4); n > 0; --n) {
      v1::OutMessage& item = *batch.add_items();
      if (below(8) != 0) item.set_message_id(id());
      item.set_attempt(static_cast<std::uint32_t>(number()));
      item.set_content(bytes(below(300)));
      item.set_reply_to_seq(number());
      if (below(4) == 0) item.set_reply_to_message_id(id());
      item.set_seen_seq(number());
      for (std::uint64_t m = below(3); m > 0; --m) item.add_mentions(id());
      item.set_client_ts_ms(number());
    }
    return frame;
  }
  v1::ClientFrame ack() {
    v1::ClientFrame frame;
    frame.set_req_id(number());
    frame.mutable_ack_events();
    for (std::uint64_t n = below(5); n > 0; --n) {
      v1::HeadRef& head = *frame.mutable_ack_events()->add_upto();
      if (below(8) != 0) head.set_conversation_id(id());
      head.set_seq(number());
    }
    return frame;
  }
  v1::ClientFrame any() { return below(2) == 0 ? send() : ack(); }

  test::SeededRandom random{7};
  RequestView view;
};

TEST_F(RequestViewTest, ReadsWhatTheGeneratedCodeWrites) {
  for (int i = 0; i < 5'000; ++i) {
    const v1::ClientFrame frame = any();
    const std::string bytes = *encode(frame);
    ASSERT_TRUE(view.read(bytes));
    EXPECT_TRUE(test::same(view, frame));
    RequestView other;
    ASSERT_TRUE(other.read(frame));
    EXPECT_TRUE(test::same(other, frame));
  }
}

// Bytes changed, cut, doubled, put in other places, or joined with those of another frame.
TEST_F(RequestViewTest, WhateverItReadsTheGeneratedCodeReadsLikewise) {
  int read = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string frame = *encode(any());
    for (std::uint64_t n = below(4); n > 0 && !frame.empty(); --n) {
      const std::size_t at = below(frame.size());
      const std::size_t size = below(frame.size() - at + 1);
      switch (below(5)) {
        case 0:
          frame[at] = bytes(1)[0];
          break;
        case 1:
          frame.resize(at);
          break;
        case 2:
          frame.insert(below(frame.size()), frame.substr(at, std::min<std::size_t>(size, 30)));
          break;
        case 3:
          frame.insert(at, bytes(below(4)));
          break;
        default:
          frame += *encode(any());
      }
    }
    if (!view.read(frame)) continue;
    ++read;
    const auto decoded = decode_client_frame(frame);
    ASSERT_TRUE(decoded.ok()) << i;
    ASSERT_TRUE(test::same(view, *decoded)) << i;
  }
  EXPECT_GT(read, 20'000) << "otherwise this says nothing";
  EXPECT_LT(read, 90'000);
}

TEST_F(RequestViewTest, LeavesWhatIsUnusualToTheGeneratedCode) {
  v1::ClientFrame frame = send();
  frame.mutable_send()->set_conversation_id(bytes(16));
  const std::string plain = *encode(frame);
  ASSERT_TRUE(view.read(plain));
  EXPECT_FALSE(view.read(plain + *encode(ack()))) << "two bodies";
  EXPECT_FALSE(view.read(plain + "\x08\x05" + "\x08\x05")) << "a number twice";
  EXPECT_FALSE(view.read(plain + std::string("\xea\x03\x01x", 4))) << "a field of a newer release";
  EXPECT_FALSE(view.read(plain.substr(0, plain.size() - 1))) << "not all of it";
  frame.Clear();
  frame.mutable_ack_events()->add_upto()->set_seq(std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(view.read(*encode(frame))) << "a number of ten bytes";
  frame.mutable_ping();
  EXPECT_FALSE(view.read(*encode(frame)));
  EXPECT_FALSE(view.read(frame));
  EXPECT_FALSE(view.read(""));
}

TEST_F(RequestViewTest, TooLargeFramesAreNotItsMatter) {
  v1::ClientFrame frame;
  frame.mutable_send()->add_items()->set_content(std::string(limits::frame_bytes_max, 'x'));
  EXPECT_FALSE(view.read(frame.SerializeAsString()));
}

TEST_F(RequestViewTest, ForgetsTheFrameBefore) {
  const std::string before = *encode(send());
  ASSERT_TRUE(view.read(before));
  v1::ClientFrame frame;
  frame.mutable_send();
  const std::string after = *encode(frame);
  ASSERT_TRUE(view.read(after));
  EXPECT_TRUE(test::same(view, frame));
}

TEST_F(RequestViewTest, PlainContentIsContent) {
  int plain = 0;
  for (int i = 0; i < 50'000; ++i) {
    v1::Content content;
    content.mutable_plain()->set_text(std::string(below(20), 'x') + (below(2) == 0 ? "é" : ""));
    if (below(2) == 0) content.mutable_plain()->set_format("m");
    if (below(2) == 0) content.mutable_plain()->set_extra(bytes(below(9)));
    std::string made = content.SerializeAsString();
    if (i >= 100) made[below(made.size())] = bytes(1)[0];
    const bool usual = is_plain_content(made);
    ASSERT_TRUE(usual || i >= 100);
    plain += usual ? 1 : 0;
    ASSERT_TRUE(!usual || content.ParseFromString(made)) << i;
  }
  EXPECT_GT(plain, 5'000);
  EXPECT_LT(plain, 45'000);
}

}  // namespace
}  // namespace kith
