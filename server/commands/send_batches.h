// SendBatches: the SendBatches on their way, from the request to the answer. Their memory is used again and again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/ports/records.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"

namespace kith {
struct RequestView;
}

namespace kith::server {

// One of them: items are appended in order, answered together. It holds what is needed of the
// request and nothing of the frame, which is gone when the log has the messages.
struct SendBatchState {
  struct Item {
    MessageId id;
    std::optional<MessageId> answers;  // a message that had no place when this was written
    SendOp op;
    std::uint32_t attempt = 0;
    Placement placed;
    bool duplicate = false;
    std::unique_ptr<Error> error;  // instead of `placed`
  };
  Caller caller;
  ConversationId conversation;
  std::optional<UserId> peer;
  std::vector<Item> items;
  std::size_t waiting = 0;          // items without an outcome
  std::size_t in_log = 0;           // appended, not decided
  std::optional<std::size_t> held;  // item that waits for those before it
  // An item has waited: the sender may have come back meanwhile and repeated it, and the repetition
  // may be in the log already. Items appended from now on are looked up like repetitions.
  bool late = false;
  // An item did not get into the log for now: those behind it must not either, or the repetition
  // of the first would land behind them.
  std::optional<Error> stopped;
  Reply reply;

  std::uint32_t place = 0;       // of SendBatches
  std::uint32_t holds = 0;       // those who will come back to it
  std::string* bytes = nullptr;  // memory for the answer, shared by all

  void place_item(std::size_t index, const Placement& placement, bool duplicate);
  void refuse_item(std::size_t index, const Error& error);

 private:
  friend class SendBatches;
  void begin(const Caller& by, const RequestView& request, Reply&& to);
  void answered();
  void answer();
};

class SendBatches {
 public:
  using Batch = SendBatchState;

  // Keeps a batch while it lives; made for each that was held before.
  class Hold {
   public:
    Hold(SendBatches& all, Batch& batch) : all_(all), batch_(batch) {}
    ~Hold() {
      if (--batch_.holds == 0) all_.forget(batch_);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    SendBatches& all_;
    Batch& batch_;
  };

  // Held once.
  Batch& begin(const Caller& caller, const RequestView& request, Reply&& reply);
  Batch& at(std::uint32_t place) { return *places_[place]; }

 private:
  static constexpr std::size_t kKept = 1024;  // whose memory is kept

  void forget(Batch& batch);

  std::vector<std::unique_ptr<Batch>> places_;
  std::vector<std::uint32_t> free_;
  std::string bytes_;  // of the last answer: keeps its memory
};

}  // namespace kith::server
