// UndecidedRecords: the records of one conversation that are in the log and wait for their decision.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "kith/server/ports/command_log.h"
#include "server/conversation/command_queue.h"

namespace kith::server {

// A record in the log that waits for its decision.
struct Waiting {
  LogEntry entry;
  CommandAnswer answer;
};

// In log order; mostly there is none. The store may be asked about the first: the others wait for it.
class UndecidedRecords {
 public:
  [[nodiscard]] bool empty() const { return asking_ == nullptr && queue_.empty(); }
  template <class Test>
  [[nodiscard]] bool any_of(Test test) const {
    return (asking_ != nullptr && test(*asking_)) ||
           std::any_of(queue_.begin(), queue_.end(), test);
  }

  void push(Waiting record) { queue_.push_back(std::move(record)); }
  // Returns the next record; nullopt if there is none, or while the store is asked.
  std::optional<Waiting> pop() {
    if (asking_ != nullptr || queue_.empty()) return std::nullopt;
    std::optional<Waiting> next(std::move(queue_.front()));
    queue_.pop_front();
    return next;
  }
  // The store is asked about a record that was taken out, until asked().
  void ask(std::shared_ptr<const Waiting> record) { asking_ = std::move(record); }
  void asked() { asking_.reset(); }

 private:
  std::list<Waiting> queue_;
  std::shared_ptr<const Waiting> asking_;
};

}  // namespace kith::server
