// BrokerLog: a CommandLog on a topic of a Broker, as a back-end team would write one for its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"

namespace own_engine {

// One batch is with the broker at a time; records appended meanwhile gather for the next one.
// Everything but work() runs on the loop.
class BrokerLog : public kith::server::CommandLog {
 public:
  BrokerLog(std::shared_ptr<Topic> topic, kith::Scheduler& loop);
  ~BrokerLog() override;

  void append(kith::server::LogRecord record, kith::server::Committed committed) override;
  kith::Result<std::vector<kith::server::LogEntry>> read(kith::server::Position after,
                                                         std::size_t limit) override;
  kith::server::Position last() const override { return last_; }
  std::size_t pending() const override { return waiting_.size(); }
  void trim(kith::server::Position upto) override { topic_->forget(upto); }

 private:
  struct Waiting {
    kith::server::LogRecord record;
    kith::server::Committed committed;
  };
  void hand_over();
  void work();
  void answered(kith::server::Position first);
  void refuse(kith::Error error);
  void notify_refused();

  const std::shared_ptr<Topic> topic_;
  kith::Scheduler& loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  kith::server::Position last_;
  std::deque<Waiting> waiting_;
  std::size_t with_broker_ = 0;          // the first of `waiting_`
  std::optional<kith::Error> refusing_;  // until `refused_` is empty
  std::deque<kith::server::Committed> refused_;

  std::mutex mutex_;  // guards these two
  std::vector<std::string> batch_;
  bool ending_ = false;
  std::condition_variable wake_;
  std::thread worker_;
};

}  // namespace own_engine
