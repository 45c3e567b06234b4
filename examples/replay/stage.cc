// Stage: the online clients, and their processes.
#include "stage.h"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

namespace replay {
namespace {

using namespace std::chrono_literals;
constexpr int kOpenAttempts = 20;  // each waits up to a minute inside the client process

Fields request(const std::string& verb, const Actor& actor, const Fields& more) {
  Fields out{verb, actor.nick, std::to_string(actor.device)};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

Lease::Lease(Stage* stage, Actor actor, WorkerLink* link, std::uint64_t generation)
    : stage_(stage), actor_(std::move(actor)), link_(link), generation_(generation) {}

Lease::~Lease() {
  stage_->release(actor_);
}

bool Lease::dead() const {
  return link_->generation() != generation_;
}

std::optional<Fields> Lease::call(const std::string& verb, const Fields& more) {
  if (dead()) return std::nullopt;
  auto answer = link_->call(request(verb, actor_, more));
  if (!answer) return std::nullopt;
  if (answer->at(0) != "ok") {
    // The process may have been replaced between the check and the call; the new one does not know
    // the actor.
    if (dead()) return std::nullopt;
    throw std::runtime_error(answer->size() > 1 ? answer->at(1) : "no reason given");
  }
  answer->erase(answer->begin());
  return answer;
}

Stage::Stage(std::vector<std::unique_ptr<WorkerLink>>& workers, std::size_t clients_max)
    : workers_(workers), clients_max_(clients_max) {}

std::size_t Stage::worker_of(const Actor& actor) const {
  return (std::hash<std::string>{}(actor.nick) + actor.device) % workers_.size();
}

void Stage::release(const Actor& actor) {
  const std::lock_guard lock(mutex_);
  Place& place = places_[actor];
  if (place.pins > 0) --place.pins;
  place.used = ++clock_;
  changed_.notify_all();
}

bool Stage::open(const Actor& actor, std::uint64_t* generation) {
  WorkerLink& link = *workers_[worker_of(actor)];
  std::string last = "its process dies again and again";
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    // `generation` is that of the process that opens it, which may be the successor of a killed one.
    const auto answer = link.call(request("open", actor, {}), generation);
    if (answer && answer->at(0) == "ok") return true;
    if (answer) last = answer->at(1);
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error("the client of " + actor.nick + " does not come online: " + last);
}

std::unique_ptr<Lease> Stage::use(const Actor& actor) {
  WorkerLink& link = *workers_[worker_of(actor)];
  std::unique_lock lock(mutex_);
  for (;;) {
    Place& place = places_[actor];
    if (place.state == State::kOpen && place.generation != link.generation()) {
      place.state = State::kClosed;  // its process was killed
      --open_;
    }
    if (place.state == State::kOpen) {
      ++place.pins;
      place.used = ++clock_;
      return std::make_unique<Lease>(this, actor, &link, place.generation);
    }
    if (place.state == State::kChanging || (open_ >= clients_max_ && !close_idle(lock))) {
      changed_.wait_for(lock, 100ms);
      continue;
    }
    if (places_[actor].state != State::kClosed || open_ >= clients_max_) continue;
    places_[actor].state = State::kChanging;
    ++open_;
    lock.unlock();
    std::uint64_t generation = 0;
    bool opened = false;
    try {
      opened = open(actor, &generation);
    } catch (...) {
      lock.lock();
      places_[actor].state = State::kClosed;
      --open_;
      changed_.notify_all();
      throw;
    }
    lock.lock();
    places_[actor].state = opened ? State::kOpen : State::kClosed;
    places_[actor].generation = generation;
    changed_.notify_all();
  }
}

// Closes the client that was idle longest; false if all are in use.
bool Stage::close_idle(std::unique_lock<std::mutex>& lock) {
  const Actor* oldest = nullptr;
  std::uint64_t used = 0;
  for (const auto& [actor, place] : places_) {
    if (place.state != State::kOpen || place.pins > 0) continue;
    if (!oldest || place.used < used) {
      oldest = &actor;
      used = place.used;
    }
  }
  if (!oldest) return false;
  close(*oldest, lock);
  return true;
}

void Stage::close(const Actor& actor, std::unique_lock<std::mutex>& lock) {
  places_[actor].state = State::kChanging;
  lock.unlock();
  workers_[worker_of(actor)]->call(request("close", actor, {}));
  lock.lock();
  places_[actor].state = State::kClosed;
  --open_;
  changed_.notify_all();
}

void Stage::leave(const Actor& actor) {
  std::unique_lock lock(mutex_);
  const Place& place = places_[actor];
  if (place.state == State::kOpen && place.pins == 0) close(actor, lock);
}

void Stage::make_account(const Actor& actor) {
  const auto answer = workers_[worker_of(actor)]->call(request("register", actor, {}));
  if (!answer) throw std::runtime_error("a client process ended; see its log");
  if (answer->at(0) != "ok") throw std::runtime_error(answer->at(1));
}

void Stage::kill_worker(std::size_t index) {
  workers_[index]->kill_and_restart([this, index] {
    const std::lock_guard lock(mutex_);
    for (auto& [actor, place] : places_) {
      if (worker_of(actor) != index || place.state != State::kOpen) continue;
      place.state = State::kClosed;
      --open_;
    }
    changed_.notify_all();
  });
}

std::unique_ptr<Lease> Stage::any(std::mt19937& random) {
  const std::lock_guard lock(mutex_);
  std::vector<const Actor*> open;
  for (const auto& [actor, place] : places_) {
    if (place.state == State::kOpen) open.push_back(&actor);
  }
  if (open.empty()) return nullptr;
  const Actor& actor = *open[random() % open.size()];
  Place& place = places_[actor];
  ++place.pins;
  return std::make_unique<Lease>(this, actor, workers_[worker_of(actor)].get(), place.generation);
}

std::size_t Stage::online() {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace replay
