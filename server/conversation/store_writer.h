// StoreWriter: lets the store follow the log, in batches of what has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/conversation_table.h"
#include "server/conversation/store_pace.h"
#include "server/health/service_health.h"
#include "server/records/feed_marks.h"
#include "server/records/log_progress.h"
#include "src/guard.h"

namespace kith::server {

class StoreWriter {
 public:
  // All outlive this. Notes in `pace` and `progress` how far the store has come.
  StoreWriter(ConversationStore& store, Scheduler& scheduler, ConversationTable& table,
              FeedMarks& marks, StorePace& pace, LogProgress& progress);

  // Asks the store what it has of the log, notes it and returns it. Before anything else; blocks.
  Result<Position> start();
  // Called for every batch that the store has taken.
  using Stored = std::function<void(const std::shared_ptr<const StoreBatch>&)>;
  void on_stored(Stored stored) { stored_ = std::move(stored); }
  // Notes there what becomes of writing, as long as this lives; null: nowhere.
  void watch(ServiceHealth* health) { health_ = health; }

  // The conversation has changed: it goes into the next batch.
  void note_changed(ConversationSlot& slot);
  // Begins a batch, in a while or at once, by how far the store is behind.
  void schedule();
  // Begins one now if none is under way: somebody waits for it.
  void hurry();

 private:
  // A batch that is being put together.
  struct Gathering {
    StoreBatch batch;
    std::vector<ConversationId> ids;
    std::size_t next = 0;
  };
  void begin();
  void gather();
  void take(const ConversationId& id, StoreBatch& batch);
  void give();
  void apply();
  void given(const Status& status);

  ConversationStore& store_;
  Scheduler& scheduler_;
  ConversationTable& table_;
  FeedMarks& marks_;
  StorePace& pace_;
  LogProgress& progress_;
  ServiceHealth* health_ = nullptr;
  Stored stored_;
  std::vector<ConversationId> dirty_;  // each once: ConversationSlot::dirty
  std::unique_ptr<Gathering> gathering_;
  bool writing_ = false;  // a batch is being put together, or the store has it
  bool scheduled_ = false;
  std::uint32_t failures_ = 0;
  std::shared_ptr<const StoreBatch> batch_;  // in flight; kept until the store has it
  Guard guard_;
};

}  // namespace kith::server
