// OwnedPartition: a partition of conversations in memory, with the services that answer for it.
#include "server/dispatch/owned_partition.h"

#include "kith/v1/frame.pb.h"

namespace kith::server {
namespace {

constexpr Millis kLookAgain{2};

}  // namespace

OwnedPartition::OwnedPartition(CommandLog& log, ConversationStore& store,
                               const PartitionFront& front, Scheduler& scheduler,
                               const PartitionBounds& bounds)
    : log_(log),
      store_(store),
      scheduler_(scheduler),
      shard_(log, store, front.marks, scheduler, bounds.lag, bounds.cache),
      requests_(shard_, front.relations, front.fanout, scheduler, bounds.large_pushes_per_s) {
  shard_.watch(front.health);
  shard_.on_stored(front.stored);
}

Result<Partition::LogSpan> OwnedPartition::start() {
  if (auto started = shard_.start(); !started) return started.error();
  shard_.ownership().take_over();
  return LogSpan{shard_.progress().applied(), shard_.progress().end()};
}

void OwnedPartition::catch_up(Done<void> done) {
  catch_up_to(log_.last(), done);
}

void OwnedPartition::catch_up_to(Position end, const Done<void>& done) {
  if (!shard_.ownership().serving()) return done(LogOwnership::not_serving());
  if (shard_.progress().decided() >= end) return done({});
  scheduler_.after(kLookAgain, guard_.wrap([this, end, done] { catch_up_to(end, done); }));
}

void OwnedPartition::hold_log(bool held, Done<void> done) {
  shard_.hold_log(held);
  done({});
}

void OwnedPartition::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  requests_.handle(caller, std::move(frame), std::move(reply));
}

// Whole: here nothing is copied.
void OwnedPartition::with(const ConversationId& id, const UserId& /*reader*/,
                          Done<const Conversation*> done) {
  shard_.with(id, std::move(done));
}

}  // namespace kith::server
