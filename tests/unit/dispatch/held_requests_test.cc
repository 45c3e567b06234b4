// Requests of people whose record has to be read first.
#include "server/dispatch/held_requests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/adapters/embedded/directory_memory.h"
#include "src/request_view.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
namespace {

class HeldRequestsTest : public ::testing::Test {
 protected:
  HeldRequestsTest() {
    directory.create({"ann", "Ann", ""}, [](const Status&) {});
    loop.settle();
  }
  static v1::ClientFrame about(const std::string& text) {
    v1::ClientFrame frame;
    auto& send = *frame.mutable_send();
    send.set_conversation_id(std::string(16, 'c'));
    send.set_direct_peer(std::string(16, 'p'));
    auto& item = *send.add_items();
    item.set_message_id(std::string(16, 'm'));
    item.set_attempt(2);
    item.set_content(text);
    item.set_reply_to_seq(4);
    item.add_mentions(std::string(16, 'u'));
    item.set_client_ts_ms(5);
    return frame;
  }

  testing::VirtualLoop loop;
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
  DirectoryMemory directory{people, loop};
  Users users{directory};
  std::vector<v1::ClientFrame> gone;
  std::vector<bool> receipts;
  std::function<void()> during;
  HeldRequests held{users, [this](const Caller& caller, v1::ClientFrame&& frame, Reply&&) {
                      gone.push_back(std::move(frame));
                      receipts.push_back(caller.receipts);
                      if (during) during();
                    }};
  const Caller ann{UserId::of("ann"), DeviceId(), 1};
};

TEST_F(HeldRequestsTest, TheyGoInTheirOrderWithWhatTheRecordSays) {
  const std::string bytes = about("second").SerializeAsString();
  held.hold(ann, about("first"), Reply());
  {
    std::string gone_soon = bytes;
    RequestView view;
    ASSERT_TRUE(view.read(gone_soon));
    held.hold(ann, view, Reply());
    gone_soon.assign(gone_soon.size(), '\0');
  }
  EXPECT_TRUE(held.holds(ann.user));
  EXPECT_TRUE(gone.empty());
  during = [this] {
    if (gone.size() == 1) held.hold(ann, about("third"), Reply());
  };
  loop.settle();
  ASSERT_EQ(gone.size(), 3u);
  EXPECT_EQ(gone[0].send().items(0).content(), "first");
  EXPECT_EQ(gone[1].SerializeAsString(), bytes);
  EXPECT_EQ(gone[2].send().items(0).content(), "third");
  EXPECT_EQ(receipts, (std::vector<bool>{true, true, true}));
  EXPECT_FALSE(held.holds(ann.user));
}

TEST_F(HeldRequestsTest, AcknowledgementsWaitToo) {
  v1::ClientFrame ack;
  auto& head = *ack.mutable_ack_events()->add_upto();
  head.set_conversation_id(std::string(16, 'c'));
  head.set_seq(7);
  RequestView view;
  ASSERT_TRUE(view.read(ack));
  held.hold(ann, view, Reply());
  loop.settle();
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].SerializeAsString(), ack.SerializeAsString());
}

TEST_F(HeldRequestsTest, NobodySharesWhatTheDirectoryDoesNotTell) {
  people->fault = [] { return make_error(ErrorCode::kUnavailable, "no"); };
  std::optional<v1::ServerFrame> answer;
  held.hold(ann, about("refused"), [&](v1::ServerFrame&& reply) { answer = std::move(reply); });
  held.hold(ann, about("goes"), Reply());
  loop.settle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().code(), v1::ERROR_CODE_UNAVAILABLE);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].send().items(0).content(), "goes");
  EXPECT_FALSE(receipts[0]);
}

TEST_F(HeldRequestsTest, MoreThanTheBoundAreRefused) {
  for (std::size_t i = 0; i < HeldRequests::kMax; ++i) held.hold(ann, about(""), Reply());
  std::optional<v1::ServerFrame> answer;
  held.hold(ann, about(""), [&](v1::ServerFrame&& reply) { answer = std::move(reply); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().code(), v1::ERROR_CODE_OVERLOADED);
  loop.settle();
  EXPECT_EQ(gone.size(), HeldRequests::kMax);
}

}  // namespace
}  // namespace kith::server
