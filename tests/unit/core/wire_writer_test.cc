// The writer by hand produces, byte for byte, the output of the generated code.
#include "src/wire_writer.h"

#include <gtest/gtest.h>

#include "kith/v1/frame.pb.h"

namespace kith {
namespace {

std::string pushed(const std::string& body) {
  std::string bytes;
  WireWriter out(bytes);
  const std::size_t push = out.open(v1::ServerFrame::kEventPushFieldNumber);
  for (int i = 0; i < 2; ++i) {
    const std::size_t event = out.open(v1::EventPush::kEventsFieldNumber);
    out.bytes(v1::Event::kBodyFieldNumber, body);
    out.close(event);
  }
  out.close(push);
  return bytes;
}

TEST(WireWriter, MessagesWithinMayHaveAnyLength) {
  for (const std::size_t size : {0, 1, 59, 60, 61, 123, 124, 125, 126, 127, 128, 8'000, 16'379,
                                 16'380, 16'381, 16'384, 40'000}) {
    v1::ServerFrame frame;
    for (int i = 0; i < 2; ++i) {
      frame.mutable_event_push()->add_events()->set_body(std::string(size, 'x'));
    }
    EXPECT_EQ(pushed(std::string(size, 'x')), frame.SerializeAsString()) << size;
  }
}

TEST(WireWriter, NumbersOfEveryLengthAndTagsOfTwoBytes) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t value : {(1ULL << shift) - 1, 1ULL << shift, ~0ULL >> shift}) {
      v1::ServerFrame frame;
      frame.set_reply_to(value);
      frame.mutable_receipt_push()->add_states()->set_read_any_seq(value);
      std::string bytes;
      WireWriter out(bytes);
      out.number(v1::ServerFrame::kReplyToFieldNumber, value);
      const std::size_t push = out.open(v1::ServerFrame::kReceiptPushFieldNumber);
      const std::size_t state = out.open(v1::ReceiptPush::kStatesFieldNumber);
      out.number(v1::ReceiptState::kReadAnySeqFieldNumber, value);
      out.close(state);
      out.close(push);
      EXPECT_EQ(bytes, frame.SerializeAsString()) << value;
    }
  }
}

TEST(WireWriter, NothingIsWrittenForWhatIsEmptyUnlessItIsRepeated) {
  std::string bytes;
  WireWriter out(bytes);
  out.number(1, 0);
  out.bytes(2, "");
  EXPECT_EQ(bytes, "");
  out.another(3, "");
  EXPECT_EQ(bytes, std::string("\x1a\x00", 2));
}

}  // namespace
}  // namespace kith
