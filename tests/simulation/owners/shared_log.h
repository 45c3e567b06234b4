// A log to which several processes append, with the behaviour of a broker: late appends, also after
// their process has ended, unknown outcomes, and gaps in positions.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "kith/server/ports/command_log.h"
#include "tests/simulation/owners/owner_rules.h"
#include "tests/simulation/owners/process.h"
#include "tests/simulation/seeded_random.h"

namespace kith::sim {

class SharedLog;

// The broker's side.
struct SharedTopic {
  struct Record {
    server::LogEntry entry;
    std::uint64_t appender = 0;
    std::uint64_t number = 0;  // of this appender's records
  };
  Node* broker = nullptr;
  SeededRandom* random = nullptr;
  OwnerRule broken = OwnerRule::kNone;
  bool calm = false;  // no faults any more
  std::vector<Record> records;
  server::Tenure newest;  // of a take-over; for kTakeOverVoids
  std::function<void(const server::LogEntry&)> on_landed;
  std::vector<SharedLog*> readers;

  [[nodiscard]] server::Position end() const {
    return records.empty() ? 0 : records.back().entry.position;
  }
  void land(server::LogRecord record, std::uint64_t appender, std::uint64_t number);
};

// One process' appender and reader.
class SharedLog : public server::CommandLog {
 public:
  SharedLog(std::shared_ptr<SharedTopic> topic, Process& process);
  // The process ends: appends under way may reach the log later, or never.
  ~SharedLog() override;

  void append(server::LogRecord record, server::Committed committed) override;
  [[nodiscard]] std::uint64_t appender() const override { return appender_; }
  void on_foreign(std::function<void(server::LogEntry&&)> foreign) override {
    foreign_ = std::move(foreign);
  }
  Result<std::vector<server::LogEntry>> read(server::Position after, std::size_t limit) override;
  server::Position last() const override { return topic_->end(); }
  std::size_t pending() const override { return waiting_.size(); }
  void trim(server::Position) override {}

  // The client library gives up: the outcome of appends under way is unknown.
  void fail();
  // The log has a new record.
  void wake() {
    if (reading_) poll();
  }

  // Returns for how long this owner has served. For kNewOwnersDoubt.
  std::function<std::int64_t()> served_ms;

 private:
  struct Waiting {
    std::uint64_t number;
    std::shared_ptr<bool> lands;
    server::Committed committed;
  };
  void give_up();
  void poll();
  void read_on();
  void spoil(server::LogRecord& record) const;

  std::shared_ptr<SharedTopic> topic_;
  Process& process_;
  const std::uint64_t appender_;
  std::uint64_t numbers_ = 0;
  std::int64_t lands_at_ = 0;  // the newest append: they keep their order
  std::deque<Waiting> waiting_;
  std::function<void(server::LogEntry&&)> foreign_;
  server::Position read_ = 0;
  bool reading_ = false;  // the start is over
  bool polling_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::sim
