// Guard: lets callbacks outlive the object that made them, by dropping those whose object is gone.
#pragma once

#include <memory>
#include <utility>

namespace kith {

// A member of the object that callbacks are made for; declare it last, so that it ends first. One thread: the object,
// its end and its callbacks are on the same loop.
//
//   scheduler.post(guard_.wrap([this] { flush(); }));
class Guard {
 public:
  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Returns a callback that calls `action` as long as this guard is there, and does nothing afterwards.
  // `action` may end the object itself.
  template <class F>
  [[nodiscard]] auto wrap(F action) const {
    return [alive = std::weak_ptr<const char>(alive_),
            action = std::move(action)]<class... Args>(Args&&... args) mutable {
      if (!alive.expired()) action(std::forward<Args>(args)...);
    };
  }

 private:
  const std::shared_ptr<const char> alive_ = std::make_shared<const char>();
};

}  // namespace kith
