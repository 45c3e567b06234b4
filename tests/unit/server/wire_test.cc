// An event and a place have two encoders: a message of the generated code, and bytes at once. Both say the same.
#include "server/records/wire.h"

#include <gtest/gtest.h>

#include "kith/v1/frame.pb.h"
#include "server/delivery/event_frame.h"
#include "src/split_mix.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

class WireTest : public ::testing::Test {
 protected:
  template <class Id>
  Id id() {
    std::array<std::uint8_t, 16> bytes{};
    random.fill(bytes.data(), bytes.size());
    return Id(bytes);
  }
  std::uint64_t number() {
    return random.below(3) == 0 ? 0 : random.below(1ULL << random.below(60));
  }
  Event event() {
    Event made;
    made.conversation = id<ConversationId>();
    made.seq = number();
    made.kind = static_cast<EventKind>(1 + random.below(4));
    made.message_id = id<MessageId>();
    made.sender = id<UserId>();
    if (random.below(2) == 0) made.sender_device = id<DeviceId>();
    made.server_ts_ms = static_cast<std::int64_t>(number());
    made.ordinal = number();
    made.countable = random.below(2) == 0;
    if (random.below(3) == 0) made.sender_ordinal = number();
    made.sender_only = random.below(3) == 0;
    made.body = std::string(random.below(400), 'x');
    made.reply_to_seq = number();
    for (std::uint64_t n = random.below(4); n > 0; --n) made.mentions.push_back(id<UserId>());
    made.client_ts_ms = static_cast<std::int64_t>(number());
    made.position = number();
    return made;
  }
  SplitMix random{11};
};

TEST_F(WireTest, BothEncodersOfAnEventAgree) {
  for (int i = 0; i < 2'000; ++i) {
    const Event made = event();
    for (const UserId& reader : {made.sender, UserId()}) {
      v1::Event generated;
      to_wire(made, reader, &generated);
      std::string bytes;
      WireWriter out(bytes);
      write(made, reader, out);
      ASSERT_EQ(bytes, generated.SerializeAsString());
    }
  }
}

TEST_F(WireTest, BothEncodersOfAPlaceAgree) {
  for (int i = 0; i < 2'000; ++i) {
    const Placement placement{number(), number(), static_cast<std::int64_t>(number()), number()};
    const bool duplicate = random.below(2) == 0;
    v1::Placed generated;
    to_wire(placement, duplicate, &generated);
    std::string bytes;
    WireWriter out(bytes);
    write(placement, duplicate, out);
    ASSERT_EQ(bytes, generated.SerializeAsString());
  }
}

TEST_F(WireTest, AFrameOfEventsGrowsAndBeginsAnew) {
  EventFrame frame;
  EXPECT_EQ(frame.take(), nullptr);
  std::shared_ptr<const std::string> kept;
  std::string said;
  for (std::size_t events = 1; events < 40; ++events) {
    v1::ServerFrame generated;
    for (std::size_t i = 0; i < events; ++i) {
      const Event made = event();
      frame.add(made, made.sender);
      to_wire(made, made.sender, generated.mutable_event_push()->add_events());
    }
    const auto taken = frame.take();
    ASSERT_EQ(*taken, generated.SerializeAsString());
    if (events == 3) kept = taken;
    if (events == 3) said = *taken;
  }
  EXPECT_EQ(*kept, said) << "who holds a frame keeps it";
}

TEST_F(WireTest, MemoryOfAFrameIsUsedAgainWhenNobodyHoldsIt) {
  FrameBuffer buffer;
  buffer.begin().assign(100, 'a');
  const void* const first = buffer.share().get();
  EXPECT_EQ(&buffer.begin(), first);
  EXPECT_TRUE(buffer.share()->empty());
  const auto held = buffer.share();
  EXPECT_NE(&buffer.begin(), first);
  buffer.begin().assign(100'000, 'a');
  buffer.begin();
  EXPECT_LT(buffer.share()->capacity(), 100'000u) << "not the memory of the largest ever";
}

}  // namespace
}  // namespace kith::server
