// FeedWriter: brings marks to the feed store, a batch at a time, and says when they are durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/feed_store.h"
#include "src/guard.h"

namespace kith::server {

class FeedWriter {
 public:
  // The feed, as the writer sees it.
  struct Source {
    std::function<bool()> any;                           // is anything queued?
    std::function<void(FeedBatch&)> take;                // moves it into a batch
    std::function<void(const FeedBatch& batch)> stored;  // the store has it
  };
  // Both outlive this.
  FeedWriter(FeedStore& store, Scheduler& scheduler, Source source)
      : store_(store), scheduler_(scheduler), source_(std::move(source)) {}

  // Calls `done` when all that is queued or on its way is durable; inside the call if nothing is. A batch
  // that fails is given again until the store takes it.
  void flush(Done<void> done);

 private:
  void begin();
  void give();
  void given(const Status& status);

  FeedStore& store_;
  Scheduler& scheduler_;
  Source source_;
  std::shared_ptr<const FeedBatch> batch_;  // in flight
  std::vector<Done<void>> waiting_;         // for that batch
  std::vector<Done<void>> next_;            // for the one behind it
  std::uint32_t failures_ = 0;
  Guard guard_;
};

}  // namespace kith::server
