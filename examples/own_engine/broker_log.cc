// BrokerLog: a CommandLog on a topic of a Broker.
#include "broker_log.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/server/ports/record_codec.h"

namespace own_engine {

namespace ks = kith::server;
using kith::ErrorCode;
using kith::make_error;

BrokerLog::BrokerLog(std::shared_ptr<Topic> topic, kith::Scheduler& loop)
    : topic_(std::move(topic)), loop_(loop), last_(topic_->last()), worker_([this] { work(); }) {}

// The thread ends first: it posts nothing afterwards. Tasks that it has posted find `alive_` false.
BrokerLog::~BrokerLog() {
  *alive_ = false;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  worker_.join();
}

void BrokerLog::append(ks::LogRecord record, ks::Committed committed) {
  if (refusing_ && refused_.size() >= kith::limits::journal_refused_max) {
    return committed(*refusing_);
  }
  if (refusing_) return refused_.push_back(std::move(committed));
  if (waiting_.size() >= kith::limits::journal_pending_max) {
    refused_.push_back(std::move(committed));
    return refuse(make_error(ErrorCode::kOverloaded, "too many records wait"));
  }
  waiting_.push_back({std::move(record), std::move(committed)});
  if (with_broker_ == 0) hand_over();
}

// [own_engine_work]
void BrokerLog::hand_over() {  // on the loop
  with_broker_ = std::min(waiting_.size(), kith::limits::journal_batch_max);
  if (with_broker_ == 0) return;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < with_broker_; ++i) {
      batch_.push_back(ks::encode_record(waiting_[i].record));
    }
  }
  wake_.notify_one();
}

void BrokerLog::work() {  // a thread of its own, which may wait for the engine
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !batch_.empty(); });
    if (ending_) return;
    const auto batch = std::exchange(batch_, {});
    lock.unlock();
    const ks::Position first = topic_->append(batch);
    loop_.post([this, alive = alive_, first] {  // back on the loop
      if (*alive) answered(first);
    });
    lock.lock();
  }
}
// [/own_engine_work]

void BrokerLog::answered(ks::Position first) {
  std::deque<Waiting> batch;
  for (; with_broker_ > 0; --with_broker_) {
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (first == 0) {  // none of them, nor what was appended behind them
    std::deque<ks::Committed> refused;
    for (Waiting& one : batch) refused.push_back(std::move(one.committed));
    for (Waiting& one : std::exchange(waiting_, {})) refused.push_back(std::move(one.committed));
    for (ks::Committed& one : refused_) refused.push_back(std::move(one));
    refused_ = std::move(refused);
    return refuse(make_error(ErrorCode::kDiskFull, "the broker has no room"));
  }
  last_ = first + batch.size() - 1;
  hand_over();
  for (Waiting& one : batch) one.committed(ks::LogEntry{first++, std::move(one.record)});
}

// Later, never inside append().
void BrokerLog::refuse(kith::Error error) {
  const bool told_already = refusing_.has_value();
  refusing_ = std::move(error);
  if (told_already) return;
  loop_.post([this, alive = alive_] {
    if (*alive) notify_refused();
  });
}

// Records that the callbacks append are refused behind them.
void BrokerLog::notify_refused() {
  for (ks::Committed& one : std::exchange(refused_, {})) one(*refusing_);
  kith::Error error = *std::exchange(refusing_, std::nullopt);
  if (!refused_.empty()) refuse(std::move(error));
}

kith::Result<std::vector<ks::LogEntry>> BrokerLog::read(ks::Position after, std::size_t limit) {
  std::vector<ks::LogEntry> entries;
  for (const auto& [position, bytes] : topic_->read(after, limit)) {
    auto record = ks::decode_record(bytes);
    if (!record) return record.error();
    entries.push_back({position, std::move(*record)});
  }
  return entries;
}

}  // namespace own_engine
