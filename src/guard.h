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
  // Says whether a guard is gone, also when it is: for code that goes on after it has called out.
  class Watch {
   public:
    [[nodiscard]] bool gone() const { return alive_.expired(); }

   private:
    friend class Guard;
    explicit Watch(const std::shared_ptr<const char>& alive) : alive_(alive) {}
    std::weak_ptr<const char> alive_;
  };

  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Returns a callback that calls `action` as long as this guard is there, and does nothing afterwards.
  // `action` may end the object itself.
  template <class F>
  [[nodiscard]] auto wrap(F action) const {
    return [here = watch(), action = std::move(action)]<class... Args>(Args&&... args) mutable {
      if (!here.gone()) action(std::forward<Args>(args)...);
    };
  }
  [[nodiscard]] Watch watch() const { return Watch(alive_); }

 private:
  const std::shared_ptr<const char> alive_ = std::make_shared<const char>();
};

}  // namespace kith
