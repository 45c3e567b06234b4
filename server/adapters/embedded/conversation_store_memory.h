// A conversation store in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "kith/server/ports/conversation_store.h"

namespace kith::server {

class ConversationStoreMemory : public ConversationStore {
 public:
  struct ApplyFault {
    Error error;
    bool applied = false;  // the batch was stored all the same: an unknown outcome
  };

  // The data that survives a crash of the process, and the faults of the device that it stands for.
  struct Disk {
    Position applied = 0;
    Tenure tenure;
    std::map<ConversationId, Head> heads;
    std::map<ConversationId, std::map<UserId, Member>> members;
    std::map<ConversationId, std::map<std::uint64_t, Event>> events;
    std::map<std::tuple<ConversationId, UserId, MessageId>, Placement> placements;

    std::function<Millis()> apply_delay;  // null: at the next turn of the loop
    std::function<Millis()> read_delay;   // null: inside the call
    std::function<std::optional<ApplyFault>()> apply_fault;
    std::function<std::optional<Error>()> read_fault;
    // At a crash: is the batch that was just being written found stored? Null: no.
    std::function<bool()> survives_crash;
  };

  // `scheduler` outlives the store.
  ConversationStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);
  // A crash: no callback comes any more.
  ~ConversationStoreMemory() override;

  Result<StoredUpTo> applied() override;
  void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) override;
  void load(const ConversationId& id, Done<std::optional<Conversation>> done) override;
  Result<std::vector<Conversation>> load_all(const std::vector<ConversationId>& ids) override;
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override;

 private:
  struct Waiting {
    std::shared_ptr<const StoreBatch> batch;
    Done<void> done;
  };
  void schedule();
  void write_next();
  template <class T, class Read>
  void answer(Done<T> done, Read read);

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  std::deque<Waiting> waiting_;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
