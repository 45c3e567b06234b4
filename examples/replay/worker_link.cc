// Requests to a client process.
#include "worker_link.h"

namespace replay {

WorkerLink::WorkerLink(std::vector<std::string> command, std::string log, Told told)
    : command_(std::move(command)), log_(std::move(log)), told_(std::move(told)) {
  start();
}

WorkerLink::~WorkerLink() {
  process_->kill_now();
  reader_.join();
}

void WorkerLink::start() {
  auto process = std::make_shared<Process>(command_, log_);
  {
    const std::lock_guard lock(mutex_);
    process_ = std::move(process);
    alive_ = true;
    ++generation_;
  }
  reader_ = std::thread([this] { read(); });
}

void WorkerLink::read() {
  std::string line;
  while (process_->read_line(line)) {
    Fields fields = split(line);
    if (fields[0] == "0") {
      told_(fields);
      continue;
    }
    const std::lock_guard lock(mutex_);
    const auto it = waiting_.find(fields[0]);
    if (it == waiting_.end()) continue;
    fields.erase(fields.begin());
    it->second.set_value(std::move(fields));
    waiting_.erase(it);
  }
  const std::lock_guard lock(mutex_);
  alive_ = false;
  for (auto& [number, promise] : waiting_) promise.set_value(std::nullopt);
  waiting_.clear();
}

std::optional<Fields> WorkerLink::call(Fields request, std::uint64_t* asked) {
  std::future<std::optional<Fields>> answer;
  std::shared_ptr<Process> process;
  {
    const std::lock_guard lock(mutex_);
    if (!alive_) return std::nullopt;
    request.insert(request.begin(), std::to_string(next_++));
    answer = waiting_[request[0]].get_future();
    process = process_;
    if (asked) *asked = generation_;
  }
  {
    const std::lock_guard lock(write_mutex_);
    process->write(
        join(request));  // if the process is gone, the reader ends and answers with nothing
  }
  return answer.get();
}

void WorkerLink::kill_and_restart(const std::function<void()>& between) {
  process_->kill_now();
  reader_.join();
  between();
  start();
}

std::uint64_t WorkerLink::generation() {
  const std::lock_guard lock(mutex_);
  return generation_;
}

}  // namespace replay
