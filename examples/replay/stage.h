// The clients that are online: at most a number of them at a time, spread over client processes.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "worker_link.h"

namespace replay {

// One device of one user.
struct Actor {
  std::string nick;
  std::size_t device = 0;
  friend auto operator<=>(const Actor&, const Actor&) = default;
};

class Stage;

// Keeps an actor on stage; its client stays open as long as its process lives.
class Lease {
 public:
  Lease(Stage* stage, Actor actor, WorkerLink* link, std::uint64_t generation);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // The answer without its "ok"; nothing if the process died. Throws std::runtime_error on an error
  // answer.
  std::optional<Fields> call(const std::string& verb, const Fields& more = {});
  [[nodiscard]] bool dead() const;
  [[nodiscard]] const Actor& actor() const { return actor_; }

 private:
  Stage* stage_;
  Actor actor_;
  WorkerLink* link_;
  std::uint64_t generation_;
};

// Any thread.
class Stage {
 public:
  Stage(std::vector<std::unique_ptr<WorkerLink>>& workers, std::size_t clients_max);

  // Opens the actor's client if need be, closing the one that was idle longest when the stage is
  // full.
  std::unique_ptr<Lease> use(const Actor& actor);
  // Makes the account of the actor; opens nothing.
  void make_account(const Actor& actor);
  // kill -9 of a client process and a new one.
  void kill_worker(std::size_t index);
  // A random actor that is on stage now, or nothing.
  std::unique_ptr<Lease> any(std::mt19937& random);
  // Takes an actor off the stage, to make room. Only for an unused actor.
  void leave(const Actor& actor);
  [[nodiscard]] std::size_t online();

 private:
  friend class Lease;
  enum class State { kClosed, kChanging, kOpen };
  struct Place {
    State state = State::kClosed;
    std::size_t pins = 0;
    std::uint64_t used = 0;
    std::uint64_t generation = 0;
  };

  [[nodiscard]] std::size_t worker_of(const Actor& actor) const;
  void release(const Actor& actor);
  bool open(const Actor& actor, std::uint64_t* generation);
  bool close_idle(std::unique_lock<std::mutex>& lock);
  void close(const Actor& actor, std::unique_lock<std::mutex>& lock);

  std::vector<std::unique_ptr<WorkerLink>>& workers_;
  std::size_t clients_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Actor, Place> places_;
  std::size_t open_ = 0;  // open or on the way
  std::uint64_t clock_ = 0;
};

}  // namespace replay
