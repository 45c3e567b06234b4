// The outcome of a batch for every error code at every place in it, and of a day without a
// connection.
#include "src/error.h"
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

// Refused for good: the person decides. Every other code leaves the message to be sent again.
bool is_final(v1::ErrorCode code) {
  switch (code) {
    case v1::ERROR_CODE_INVALID_ARGUMENT:
    case v1::ERROR_CODE_PROTOCOL:
    case v1::ERROR_CODE_TOO_LARGE:
    case v1::ERROR_CODE_PERMISSION_DENIED:
    case v1::ERROR_CODE_NOT_FOUND:
    case v1::ERROR_CODE_ALREADY_EXISTS:
    case v1::ERROR_CODE_NOT_MEMBER:
    case v1::ERROR_CODE_LIMIT_EXCEEDED:
    case v1::ERROR_CODE_EXPIRED:
    case v1::ERROR_CODE_UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}

class OutboxErrorsTest : public EngineTest {
 protected:
  using Texts = std::vector<std::string>;

  void fresh() {
    engine.reset();
    scheduler.settle();
    store = std::move(*open_cache_store_sqlite(""));
    server.received.clear();
    next_seq_ = 1;
    start();
  }
  static std::string text_of(const v1::OutMessage& item) {
    v1::Content content;
    content.ParseFromString(item.content());
    return content.plain().text();
  }
  // Answers a batch as the server does: a retryable error is the answer to all items behind it.
  void answer(const v1::ClientFrame& request, int bad, v1::ErrorCode code) {
    v1::ServerFrame frame;
    frame.set_reply_to(request.req_id());
    auto& result = *frame.mutable_send_result();
    result.set_conversation_id(request.send().conversation_id());
    for (int i = 0; i < request.send().items_size(); ++i) {
      auto& item = *result.add_items();
      item.set_message_id(request.send().items(i).message_id());
      if (i == bad || (bad >= 0 && i > bad && !is_final(code))) {
        *item.mutable_error() = to_wire(make_error(static_cast<ErrorCode>(code), "refused"));
        continue;
      }
      item.mutable_placed()->set_seq(next_seq_);
      item.mutable_placed()->set_ordinal(next_seq_++);
      sent_.push_back(text_of(request.send().items(i)));
    }
    say(frame);
  }
  Texts failed() {
    Texts found;
    for (const Message& m : engine->history().timeline(room, 1'000)) {
      if (m.status == DeliveryStatus::kFailed) found.push_back(m.text);
    }
    return found;
  }

  Texts sent_;
  std::uint64_t next_seq_ = 1;
};

TEST_F(OutboxErrorsTest, EveryCodeAtEveryPlaceHasItsEnd) {
  const Texts written = {"one", "two", "three"};
  for (int number = v1::ErrorCode_MIN + 1; number <= v1::ErrorCode_MAX; ++number) {
    const auto code = static_cast<v1::ErrorCode>(number);
    for (int bad = 0; bad < 3; ++bad) {
      SCOPED_TRACE(std::string(to_string(static_cast<ErrorCode>(code))) + " at " +
                   std::to_string(bad));
      fresh();
      sent_.clear();
      for (const auto& text : written) send(text);
      go_online();
      answer(expect(v1::ClientFrame::kSend), bad, code);
      if (is_final(code)) {
        Texts others = written;
        others.erase(others.begin() + bad);
        EXPECT_EQ(sent_, others);
        EXPECT_EQ(failed(), Texts{written[static_cast<std::size_t>(bad)]});
      } else {
        EXPECT_TRUE(failed().empty());
        scheduler.advance(5s);
        const auto again = expect(v1::ClientFrame::kSend);
        EXPECT_EQ(again.send().items_size(), 3 - bad) << "together, in their order";
        answer(again, -1, code);
        EXPECT_EQ(sent_, written);
      }
      EXPECT_TRUE(engine->outbox().idle());
    }
  }
}

TEST_F(OutboxErrorsTest, ADayWithoutAConnectionFailsNothing) {
  Texts written;
  for (int i = 0; i < 500; ++i) {
    written.push_back(std::to_string(i));
    send(written.back());
  }
  scheduler.advance(24h);
  EXPECT_TRUE(failed().empty());
  go_online();
  for (int batches = 0; batches < 500 && !engine->outbox().idle(); ++batches) {
    answer(expect(v1::ClientFrame::kSend), -1, v1::ERROR_CODE_UNSPECIFIED);
  }
  EXPECT_EQ(sent_, written);
  EXPECT_TRUE(failed().empty());
}

}  // namespace
}  // namespace kith::client
