// Every accepted request makes an event that can be delivered: its push, its page and its answer fit a frame.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kith/core/limits.h"
#include "src/frame_codec.h"
#include "src/split_mix.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;

class EventBoundTest : public testing::ServiceTest {
 protected:
  EventBoundTest() {
    bus.subscribe(
        "g",
        [this](const Delivery& delivery) {
          largest = std::max(largest, delivery.frame->size());
          ++pushes;
        },
        [] {});
    for (std::size_t i = 0; i < limits::members_change_max + 5; ++i) {
      const std::string handle = "m" + std::to_string(i);
      directory.create({handle, handle, ""}, [](const Status&) {});
      people.push_back(UserId::of(handle));
    }
    loop.settle();
  }
  // A request of any size that validate() accepts, the largest most often.
  std::size_t size_up_to(std::size_t most) {
    return random.below(3) == 0 ? random.below(most + 1) : most;
  }
  MessageId next_id() {
    std::array<std::uint8_t, 16> bytes{};
    ++ids;
    std::memcpy(bytes.data() + 8, &ids, sizeof ids);
    bytes[6] = 0x70;
    return MessageId(bytes);
  }
  std::string plain(std::size_t bytes) {
    v1::Content content;
    content.mutable_plain()->set_text(std::string(bytes, 'x'));
    return content.SerializeAsString();
  }
  v1::ClientFrame something(const ConversationId& id) {
    v1::ClientFrame frame;
    switch (random.below(4)) {
      case 0: {
        auto& change = *frame.mutable_member_change();
        change.set_conversation_id(id.bytes());
        change.set_command_id(next_id().bytes());
        change.set_kind(random.below(2) == 0 ? v1::MEMBER_CHANGE_KIND_ADD
                                             : v1::MEMBER_CHANGE_KIND_REMOVE);
        const std::size_t count = 1 + size_up_to(limits::members_change_max + 1);
        for (std::size_t i = 0; i < count; ++i) change.add_users(people[i % people.size()].bytes());
        return frame;
      }
      case 1: {
        auto& update = *frame.mutable_update_meta();
        update.set_conversation_id(id.bytes());
        update.set_command_id(next_id().bytes());
        update.set_title(std::string(size_up_to(limits::title_bytes_max + 1), 't'));
        return frame;
      }
      default: {
        v1::SendBatch& send = *frame.mutable_send();
        send.set_conversation_id(id.bytes());
        const std::size_t items = 1 + size_up_to(limits::batch_items_max - 1);
        for (std::size_t i = 0; i < items; ++i) {
          v1::OutMessage& item = *send.add_items();
          item.set_message_id(next_id().bytes());
          item.set_content(plain(size_up_to(limits::body_bytes_max)));
          for (std::size_t n = size_up_to(limits::mentions_max); n > 0; --n)
            item.add_mentions(people[n].bytes());
        }
        return frame;
      }
    }
  }
  // The frame of an answer as it leaves.
  void fits(const v1::ServerFrame& answer) {
    const auto bytes = encode(answer);
    ASSERT_TRUE(bytes.ok()) << answer.body_case();
    largest = std::max(largest, bytes->size());
  }
  void read_all(const Caller& reader, const ConversationId& id) {
    for (std::uint64_t from = 1;;) {
      v1::ClientFrame frame;
      frame.mutable_get_events()->set_conversation_id(id.bytes());
      frame.mutable_get_events()->set_from(from);
      const v1::ServerFrame answer = ask(reader, frame);
      fits(answer);
      const v1::EventsPage& page = answer.events_page();
      if (page.events_size() == 0) return;
      from = page.events(page.events_size() - 1).seq() + 1;
    }
  }

  SplitMix random{7};
  std::vector<UserId> people;
  std::uint64_t ids = 0;
  std::size_t largest = 0;
  std::size_t pushes = 0;
  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
};

TEST_F(EventBoundTest, WhatIsLetInFitsAPushAndAPage) {
  std::size_t accepted = 0;
  for (std::uint8_t group = 1; group <= 3; ++group) {
    v1::ClientFrame create;
    create.mutable_create_conversation()->set_conversation_id(group_id(group).bytes());
    create.mutable_create_conversation()->set_command_id(next_id().bytes());
    create.mutable_create_conversation()->set_title(std::string(limits::title_bytes_max, 't'));
    create.mutable_create_conversation()->add_members(bob.bytes());
    for (std::size_t i = 1; i < limits::members_change_max; ++i)
      create.mutable_create_conversation()->add_members(people[i].bytes());
    ASSERT_TRUE(validate(create).ok());
    ASSERT_TRUE(encode(create).ok());
    ASSERT_TRUE(ask(anna, create).has_placed());
    for (int round = 0; round < 100; ++round) {
      const v1::ClientFrame frame = something(group_id(group));
      if (!encode(frame) || !validate(frame)) continue;
      const v1::ServerFrame answer = ask(anna, frame);
      fits(answer);
      if (answer.has_placed() || answer.has_send_result()) ++accepted;
    }
    read_all(bobs, group_id(group));
  }
  EXPECT_GT(accepted, 30u);
  EXPECT_GT(pushes, 30u);
  EXPECT_LE(largest, limits::frame_bytes_max);
}

}  // namespace
}  // namespace kith::server
