// A partition of conversations on a loop of its own.
#include "server/dispatch/loop_partition.h"

#include <utility>

#include "server/dispatch/owned_partition.h"
#include "src/timer.h"

namespace kith::server {
namespace {

constexpr Millis kReportEvery{500};

}  // namespace

// Made and ended there.
struct LoopPartition::There {
  There(LoopPartition& here, CommandLog& log, ConversationStore& store, const PartitionFront& front,
        const PartitionBounds& bounds)
      : host(false),
        partition(log, store,
                  {host.marks(), host, host, front.health,
                   [this](const std::shared_ptr<const StoreBatch>& batch) { host.stored(batch); }},
                  here.side_.scheduler, bounds),
        timer(here.side_.scheduler, [this, &here] {
          report(here);
          timer.start(kReportEvery);
        }) {
    host.serve(partition);
  }

  void report(LoopPartition& here) {
    std::map<std::string, std::uint64_t> stats;
    partition.add_stats(stats);
    here.to_front_.post([&here, stats = std::move(stats), lag = partition.apply_lag()]() mutable {
      here.stats_ = std::move(stats);
      here.lag_ = lag;
    });
  }

  PartitionHost host;
  OwnedPartition partition;
  Timer timer;
};

LoopPartition::LoopPartition(CommandLog& log, ConversationStore& store, const PartitionFront& front,
                             Scheduler& own, SideLoop side, const PartitionBounds& bounds)
    : side_(std::move(side)),
      to_front_(own, side_.turn_end),
      to_side_(side_.scheduler, side_.front_turn_end),
      link_({front.marks, front.relations, front.fanout, front.stored,
             [&marks = front.marks](std::uint64_t stored, std::uint64_t logged) {
               marks.begins(stored, logged);
             }}) {
  side_.run_sync([&] { there_ = std::make_unique<There>(*this, log, store, front, bounds); });
  const std::uint64_t number = link_.connect(there_->host.front(), to_side_);
  side_.run_sync([&] { there_->host.front().connected(link_, number, to_front_); });
}

LoopPartition::~LoopPartition() {
  side_.run_sync([this] {
    to_side_.close();
    there_.reset();
  });
  side_.run_sync([] {});  // what was gathered in that turn has left
  to_front_.close();
}

Result<Partition::LogSpan> LoopPartition::start() {
  Result<LogSpan> started{LogSpan()};
  side_.run_sync([&] {
    started = there_->partition.start();
    there_->report(*this);
    there_->timer.start(kReportEvery);
    to_front_.flush();
  });
  to_front_.read_now();  // marks of what was decided again
  return started;
}

void LoopPartition::hold_log(bool held, Done<void> done) {
  to_side_.post([this, held, done = std::move(done)] {
    there_->partition.hold_log(held, [this, done](const Status& status) {
      to_front_.post([done, status] { done(status); });
    });
  });
}

void LoopPartition::probe() {
  to_side_.post([this] { there_->partition.probe(); });
}

void LoopPartition::add_stats(std::map<std::string, std::uint64_t>& all) const {
  for (const auto& [name, value] : stats_) all[name] += value;
}

}  // namespace kith::server
