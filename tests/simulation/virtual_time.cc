// Virtual time: the queue.
#include "tests/simulation/virtual_time.h"

#include <algorithm>
#include <vector>

namespace kith::sim {

std::uint64_t VirtualTime::at(std::int64_t when, std::uint64_t owner, Task task) {
  const std::uint64_t id = ++last_;
  when = std::max(when, now_);
  tasks_.emplace(std::make_pair(when, id), Entry{owner, std::move(task)});
  due_.emplace(id, when);
  return id;
}

void VirtualTime::cancel(std::uint64_t id) {
  const auto due = due_.find(id);
  if (due == due_.end()) return;
  const auto it = tasks_.find({due->second, id});
  due_.erase(due);
  const Entry gone = std::move(it->second);  // what it holds may cancel others when it goes
  tasks_.erase(it);
}

void VirtualTime::forget(std::uint64_t owner) {
  std::vector<std::uint64_t> ids;
  for (const auto& [key, entry] : tasks_) {
    if (entry.owner == owner) ids.push_back(key.second);
  }
  for (const std::uint64_t id : ids) cancel(id);
}

bool VirtualTime::step(std::int64_t until) {
  if (tasks_.empty() || tasks_.begin()->first.first > until) {
    now_ = std::max(now_, until);
    return false;
  }
  const auto first = tasks_.begin();
  now_ = std::max(now_, first->first.first);
  const Task task = std::move(first->second.task);
  due_.erase(first->first.second);
  tasks_.erase(first);
  ++steps_;
  task();
  return true;
}

Scheduler::TimerId Node::after(Millis delay, std::function<void()> task) {
  return time_.at(time_.now() + std::max<std::int64_t>(0, delay.count()), number_, std::move(task));
}

}  // namespace kith::sim
