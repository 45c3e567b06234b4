// LogProgress: how far the records of one log are decided and stored.
#pragma once

#include <cstdint>
#include <set>

#include "kith/server/ports/conversation_store.h"
#include "server/records/tenures.h"

namespace kith::server {

class LogProgress {
 public:
  // The store has everything up to there; nothing else is known yet.
  void begins_behind(const StoredUpTo& stored) {
    end_ = applied_ = stored.position;
    tenures_.begin(stored.position, stored.tenure);
  }
  // The records that the log held at the start have been read.
  void replayed() { found_ = due_ = end_; }
  // This process begins to own the log with the record at `position`.
  void took_over(Position position) { due_ = position; }
  // A record is in the log.
  void committed(Position position) { end_ = position; }
  // It waits for its decision, while later ones may be decided.
  void waits(Position position) { waiting_.insert(position); }
  void is_decided(Position position) {
    if (!waiting_.empty()) waiting_.erase(position);
  }
  void stored(Position position) {
    applied_ = position;
    tenures_.forget_before(position);
  }

  // The last record in the log.
  [[nodiscard]] Position end() const { return end_; }
  // The value of end() at the start.
  [[nodiscard]] Position found() const { return found_; }
  // Every record up to this one is decided.
  [[nodiscard]] Position decided() const { return waiting_.empty() ? end_ : *waiting_.begin() - 1; }
  // The store has every record up to this one.
  [[nodiscard]] Position applied() const { return applied_; }
  // Whether the store is to get a later position, also if no record up to there changes anything: an earlier owner may
  // have written the rows, and have ended before their position.
  [[nodiscard]] bool due() const { return applied_ < due_; }
  // Records decided and not yet in the store.
  [[nodiscard]] std::uint64_t apply_lag() const { return decided() - applied_; }
  // Records in the log and not yet in the store.
  [[nodiscard]] std::uint64_t unstored() const { return end_ - applied_; }

  // The owners of the log at its places that are not stored yet.
  [[nodiscard]] Tenures& tenures() { return tenures_; }
  [[nodiscard]] const Tenures& tenures() const { return tenures_; }

 private:
  Tenures tenures_;
  Position end_ = 0;
  Position found_ = 0;
  Position applied_ = 0;
  Position due_ = 0;
  std::set<Position> waiting_;
};

}  // namespace kith::server
