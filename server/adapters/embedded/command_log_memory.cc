// A command log in memory whose "disk" outlives it: what was not committed is lost when the adapter
// is destroyed.
#include "server/adapters/embedded/command_log_memory.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

namespace {

// The record as a later process reads it: the session that sent it is gone.
LogEntry stored(Position position, const LogRecord& record) {
  LogEntry entry{position, record};
  entry.record.origin_session = 0;
  return entry;
}

}  // namespace

CommandLogMemory::CommandLogMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler)
    : disk_(std::move(disk)), scheduler_(scheduler) {}

CommandLogMemory::~CommandLogMemory() {
  if (!disk_->survives_crash || waiting_.empty()) return;
  const std::size_t kept = std::min(disk_->survives_crash(waiting_.size()), waiting_.size());
  for (std::size_t i = 0; i < kept; ++i) {
    disk_->entries.push_back(stored(++disk_->last, waiting_[i].record));
  }
}

void CommandLogMemory::append(LogRecord record, Committed committed) {
  if (refusing_) return refuse_one(std::move(committed));
  if (waiting_.size() >= limits::journal_pending_max) {
    refusing_ = make_error(ErrorCode::kOverloaded, "too many commands wait");
    refused_.push_back(std::move(committed));
    scheduler_.post(guard_.wrap([this] { notify_refused(); }));
    return;
  }
  waiting_.push_back({std::move(record), std::move(committed)});
  schedule();
}

void CommandLogMemory::refuse_one(Committed committed) {
  if (refused_.size() >= limits::journal_refused_max) return committed(*refusing_);
  refused_.push_back(std::move(committed));
}

// Refuses a batch whose commit failed, and everything that was appended behind it.
void CommandLogMemory::refuse(std::deque<Waiting> batch, const Error& error) {
  std::vector<Committed> refused;
  refused.reserve(batch.size() + waiting_.size() + refused_.size());
  for (Waiting& item : batch) refused.push_back(std::move(item.committed));
  for (Waiting& item : waiting_) refused.push_back(std::move(item.committed));
  for (Committed& committed : refused_) refused.push_back(std::move(committed));
  waiting_.clear();
  refused_ = std::move(refused);
  refusing_ = error;
  notify_refused();
}

// Records are refused until this is through: also those appended by the callbacks.
void CommandLogMemory::notify_refused() {
  const Guard::Watch here = guard_.watch();  // a callback may destroy the log
  for (Committed& committed : std::exchange(refused_, {})) {
    committed(*refusing_);
    if (here.gone()) return;
  }
  if (refused_.empty()) {
    refusing_.reset();
    return;
  }
  scheduler_.post(guard_.wrap([this] { notify_refused(); }));
}

void CommandLogMemory::schedule() {
  if (scheduled_ || waiting_.empty()) return;
  scheduled_ = true;
  auto task = guard_.wrap([this] { commit(); });
  if (disk_->commit_delay) {
    scheduler_.after(disk_->commit_delay(), std::move(task));
  } else {
    scheduler_.post(std::move(task));
  }
}

void CommandLogMemory::commit() {
  scheduled_ = false;
  const std::size_t count = std::min(waiting_.size(), limits::journal_batch_max);
  std::deque<Waiting> batch(
      std::make_move_iterator(waiting_.begin()),
      std::make_move_iterator(waiting_.begin() + static_cast<std::ptrdiff_t>(count)));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (batch.empty()) return;  // refused meanwhile
  if (const auto fault = disk_->commit_fault ? disk_->commit_fault() : std::nullopt) {
    return refuse(std::move(batch), *fault);
  }
  Position position = disk_->last;
  for (const Waiting& item : batch) {
    disk_->entries.push_back(stored(++disk_->last, item.record));
  }
  schedule();
  const Guard::Watch here = guard_.watch();  // a callback may destroy the log
  for (Waiting& item : batch) {
    if (here.gone()) return;
    item.committed(LogEntry{++position, std::move(item.record)});
  }
}

Result<std::vector<LogEntry>> CommandLogMemory::read(Position after, std::size_t limit) {
  if (disk_->read_fault) {
    if (auto fault = disk_->read_fault()) return *fault;
  }
  const auto begin =
      std::upper_bound(disk_->entries.begin(), disk_->entries.end(), after,
                       [](Position p, const LogEntry& entry) { return p < entry.position; });
  const auto count = std::min(limit, static_cast<std::size_t>(disk_->entries.end() - begin));
  return std::vector<LogEntry>(begin, begin + static_cast<std::ptrdiff_t>(count));
}

Position CommandLogMemory::last() const {
  return disk_->last;
}
std::size_t CommandLogMemory::pending() const {
  return waiting_.size();
}

void CommandLogMemory::trim(Position upto) {
  std::erase_if(disk_->entries, [&](const LogEntry& entry) { return entry.position <= upto; });
}

}  // namespace kith::server
