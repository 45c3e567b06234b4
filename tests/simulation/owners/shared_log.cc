// Appends land in the order of their appender.
#include "tests/simulation/owners/shared_log.h"

#include <algorithm>
#include <utility>

namespace kith::sim {
namespace {

// A late append of a producer whose process is gone, at most.
constexpr std::int64_t kLatestMs = 6'000;

}  // namespace

void SharedTopic::land(server::LogRecord record, std::uint64_t appender, std::uint64_t number) {
  const bool take_over = std::holds_alternative<server::TakeOverOp>(record.op);
  if (take_over && record.tenure.epoch > newest.epoch) newest = record.tenure;
  if (broken == OwnerRule::kTakeOverVoids && !take_over) record.tenure = newest;
  const server::Position hole = random->chance(0.05) ? random->below(3) : 0;
  records.push_back({{end() + 1 + hole, std::move(record)}, appender, number});
  if (on_landed) on_landed(records.back().entry);
  for (SharedLog* reader : readers) reader->wake();
}

SharedLog::SharedLog(std::shared_ptr<SharedTopic> topic, Process& process)
    : topic_(std::move(topic)), process_(process), appender_(topic_->random->next() | 1) {
  topic_->readers.push_back(this);
}

SharedLog::~SharedLog() {
  *alive_ = false;
  std::erase(topic_->readers, this);
  give_up();
}

// Each append under way reaches the log or does not; behind a lost one none does.
void SharedLog::give_up() {
  if (topic_->random->chance(0.5)) return;  // all of it lands
  const std::size_t kept = topic_->random->below(waiting_.size() + 1);
  for (std::size_t i = kept; i < waiting_.size(); ++i) *waiting_[i].lands = false;
}

void SharedLog::spoil(server::LogRecord& record) const {
  const bool all = topic_->broken == OwnerRule::kDoubtIsStamped;
  const bool new_ones = topic_->broken == OwnerRule::kNewOwnersDoubt && served_ms() < 3'500;
  // The workload notes there what the client has said.
  if ((all || new_ones) && record.origin_session != 0) {
    record.attempt = static_cast<std::uint32_t>(record.origin_session - 1);
  }
}

void SharedLog::append(server::LogRecord record, server::Committed committed) {
  spoil(record);
  SeededRandom& random = *topic_->random;
  std::int64_t delay = random.between(1, 15);
  if (!topic_->calm && random.chance(0.02)) {
    delay += random.between(100, kLatestMs);
    // The client library may give up an append that hangs.
    if (random.chance(0.3)) {
      process_.after(Millis(random.between(20, 300)), [this, alive = alive_] {
        if (*alive) fail();
      });
    }
  }
  const std::int64_t now = process_.clock().steady_ms();
  const std::int64_t at = lands_at_ = std::max(lands_at_, now + delay);
  auto lands = std::make_shared<bool>(true);
  waiting_.push_back({++numbers_, lands, std::move(committed)});
  topic_->broker->after(Millis(at - now), [topic = topic_, record = std::move(record), lands,
                                           appender = appender_, number = numbers_]() mutable {
    if (*lands) topic->land(std::move(record), appender, number);
  });
}

Result<std::vector<server::LogEntry>> SharedLog::read(server::Position after, std::size_t limit) {
  std::vector<server::LogEntry> page;
  for (const SharedTopic::Record& record : topic_->records) {
    if (record.entry.position <= after || page.size() == limit) continue;
    page.push_back(record.entry);
  }
  read_ = page.empty() ? std::max(read_, after) : page.back().position;
  if (page.empty() && !std::exchange(reading_, true)) poll();
  return page;
}

void SharedLog::poll() {
  if (std::exchange(polling_, true)) return;
  process_.after(Millis(topic_->random->between(1, 5)), [this, alive = alive_] {
    if (!*alive) return;
    polling_ = false;
    read_on();
  });
}

void SharedLog::read_on() {
  const auto alive = alive_;
  const auto from = std::upper_bound(
      topic_->records.begin(), topic_->records.end(), read_,
      [](server::Position p, const SharedTopic::Record& r) { return p < r.entry.position; });
  const std::vector<SharedTopic::Record> fresh(from, topic_->records.end());
  for (const SharedTopic::Record& record : fresh) {
    read_ = record.entry.position;
    const bool own = record.appender == appender_ && !waiting_.empty() &&
                     waiting_.front().number == record.number;
    if (own) {
      server::Committed committed = std::move(waiting_.front().committed);
      waiting_.pop_front();
      committed(server::LogEntry(record.entry));
    } else if (topic_->broken != OwnerRule::kForeignIsRead) {
      foreign_(server::LogEntry(record.entry));
    }
    if (!*alive) return;
  }
}

void SharedLog::fail() {
  give_up();
  lands_at_ = 0;  // later ones may overtake it
  const bool lie = topic_->broken == OwnerRule::kUnknownIsSaid;
  const Error error = make_error(lie ? ErrorCode::kIo : ErrorCode::kUnavailable, "gave up");
  const auto alive = alive_;
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    waiting.committed(error);
    if (!*alive) return;
  }
}

}  // namespace kith::sim
