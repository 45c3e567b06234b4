// CommitQueue: the records waiting for a command log's disk, and its writer's thread: group commit,
// rejections in order, and callbacks on the executor.
#include "server/adapters/embedded/commit_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/time.h"
#include "server/adapters/embedded/worker.h"

namespace kith::server {

CommitQueue::CommitQueue(Disk& disk, Position last, Executor& executor)
    : disk_(disk), executor_(executor), last_(last) {
  thread_ = start_quiet_thread("kith-journal", [this] { write_loop(); });
}

CommitQueue::~CommitQueue() {
  *alive_ = false;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void CommitQueue::append(LogRecord record, Committed committed) {
  std::unique_lock lock(mutex_);
  if (refusing_ && refused_.size() >= limits::journal_refused_max) {
    const Error error = *refusing_;
    lock.unlock();
    return committed(error);
  }
  if (refusing_) {
    refused_.push_back(std::move(committed));
    return;
  }
  if (waiting_.size() + committing_ < limits::journal_pending_max) {
    waiting_.push_back({std::move(record), std::move(committed)});
    lock.unlock();
    wake_writer_soon();
    return;
  }
  refusing_ = make_error(ErrorCode::kOverloaded, "too many commands wait");
  refused_.push_back(std::move(committed));
  executor_.post([this, alive = alive_] {
    if (*alive) notify_refused();
  });
}

// Records appended in one go are committed in one go: the writer is woken when the caller has finished.
void CommitQueue::wake_writer_soon() {
  if (std::exchange(waking_, true)) return;
  executor_.post([this, alive = alive_] {
    if (!*alive) return;
    waking_ = false;
    wake_.notify_one();
  });
}

// Writer thread: refuses a batch whose commit failed, and everything that was appended behind it.
void CommitQueue::refuse(std::vector<Waiting> batch, const Error& error) {
  const std::lock_guard lock(mutex_);
  std::vector<Committed> refused;
  refused.reserve(batch.size() + waiting_.size() + refused_.size());
  for (Waiting& item : batch) refused.push_back(std::move(item.committed));
  for (Waiting& item : waiting_) refused.push_back(std::move(item.committed));
  waiting_.clear();
  std::move(refused_.begin(), refused_.end(), std::back_inserter(refused));
  refused_ = std::move(refused);
  committing_ = 0;
  if (std::exchange(refusing_, error)) return;  // they are about to be notified
  executor_.post([this, alive = alive_] {
    if (*alive) notify_refused();
  });
}

// Records are refused until this is through: also those appended by the callbacks.
void CommitQueue::notify_refused() {
  std::vector<Committed> refused;
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex_);
    refused = std::exchange(refused_, {});
    error = refusing_;
  }
  const auto alive = alive_;  // a callback may destroy the log
  for (Committed& committed : refused) {
    if (!*alive) return;
    committed(*error);
  }
  if (!*alive) return;
  const std::lock_guard lock(mutex_);
  if (refused_.empty()) {
    refusing_.reset();
    return;
  }
  executor_.post([this, alive] {
    if (*alive) notify_refused();
  });
}

std::vector<CommitQueue::Waiting> CommitQueue::take_batch(std::unique_lock<std::mutex>& lock) {
  (void)lock;  // held
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(waiting_.size(), limits::journal_batch_max));
  std::vector<Waiting> batch(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  committing_ = batch.size();
  return batch;
}

void CommitQueue::write_loop() {
  Position trimmed = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty() || trim_upto_ > trimmed; });
    if (waiting_.empty() && stopping_) return;
    auto batch = take_batch(lock);
    const Position trim_upto = trim_upto_;
    lock.unlock();
    if (!batch.empty()) commit(std::move(batch));
    // A failed deletion is not tried again before the next trim(): the records only take room.
    if (trim_upto > trimmed && !disk_.trim_some(trim_upto)) trimmed = trim_upto;
    lock.lock();
  }
}

void CommitQueue::commit(std::vector<Waiting> batch) {
  const Position first = last_ + 1;
  const std::int64_t begun = system_clock().steady_us();
  const Status written = disk_.write(batch, first);
  commits_.observe(system_clock().steady_us() - begun);
  if (!written) {
    return refuse(std::move(batch), written.error());
  }
  last_ += batch.size();
  {
    const std::lock_guard lock(mutex_);
    committing_ = 0;
  }
  auto shared = std::make_shared<std::vector<Waiting>>(std::move(batch));
  executor_.post([alive = alive_, shared, first] {
    for (std::size_t i = 0; i < shared->size() && *alive; ++i) {
      Waiting& item = (*shared)[i];
      item.committed(LogEntry{first + i, std::move(item.record)});
    }
  });
}

std::size_t CommitQueue::pending() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + committing_;
}

void CommitQueue::trim(Position upto) {
  {
    const std::lock_guard lock(mutex_);
    // Never beyond what is committed: a position must not be trimmed before it was given out.
    trim_upto_ = std::max(trim_upto_, std::min<Position>(upto, last_));
  }
  wake_.notify_one();
}

}  // namespace kith::server
