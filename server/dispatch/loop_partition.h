// LoopPartition: a partition of conversations on a loop of its own. It never waits for that loop but at its start and
// its end, so a partition that stands still holds nobody else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "server/dispatch/partition.h"
#include "server/link/owner_link.h"
#include "server/link/partition_host.h"
#include "src/guard.h"
#include "src/mailbox.h"

namespace kith::server {

// A loop beside that of the front, with a thread of its own.
struct SideLoop {
  Scheduler& scheduler;
  // Run tasks at the end of the turn: of that loop, and of the loop of the front.
  Executor& turn_end;
  Executor& front_turn_end;
  // Runs a task there and waits for it.
  std::function<void(const std::function<void()>&)> run_sync;
};

// On the loop of the front.
class LoopPartition : public Partition {
 public:
  // Log and store are used on the loop of `side` alone. All outlive this.
  LoopPartition(CommandLog& log, ConversationStore& store, const PartitionFront& front,
                Scheduler& own, SideLoop side, const PartitionBounds& bounds);
  ~LoopPartition() override;

  PartitionOwner& owner() override { return link_; }
  Result<LogSpan> start() override;
  void hold_log(bool held, Done<void> done) override;
  void probe() override;
  [[nodiscard]] std::uint64_t apply_lag() const override { return lag_; }
  void add_stats(std::map<std::string, std::uint64_t>& all) const override;

 private:
  // Brings calls to one loop: those of one turn together.
  class LoopLane : public Lane {
   public:
    // `turn_end`: of the loop that posts.
    LoopLane(Executor& to, Executor& turn_end)
        : turn_end_(turn_end), calls_(to, [](std::vector<Call>& calls) {
            for (Call& call : calls) call();
          }) {}
    void post(Call call) override {
      gathered_.push_back(std::move(call));
      if (gathered_.size() == 1) turn_end_.post(guard_.wrap([this] { flush(); }));
    }
    // On the loop that posts.
    void flush() {
      if (!gathered_.empty()) calls_.put_all(gathered_);
    }
    // On the loop that it leads to.
    void read_now() { calls_.read_now(); }
    void close() { calls_.close(); }

   private:
    Executor& turn_end_;
    std::vector<Call> gathered_;
    Mailbox<Call> calls_;
    Guard guard_;
  };
  struct There;  // what is on the other loop

  SideLoop side_;
  LoopLane to_front_;
  LoopLane to_side_;
  OwnerLink link_;
  std::unique_ptr<There> there_;
  std::map<std::string, std::uint64_t> stats_;  // as of the last report
  std::uint64_t lag_ = 0;
};

}  // namespace kith::server
