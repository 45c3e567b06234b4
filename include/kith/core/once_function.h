// OnceFunction: a callback that can be moved but not copied, and stores its captures in itself.
//
// std::function allocates as soon as a callback captures more than two pointers, and requires that it
// can be copied. A callback that waits once for one answer needs neither.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace kith {

template <class Signature, std::size_t Room = 48>
class OnceFunction;

// `Room`: bytes of captures that fit without an allocation.
// Threads: as the captures allow; it may be moved to another thread. Calling an empty one is undefined.
template <class R, class... Args, std::size_t Room>
class OnceFunction<R(Args...), Room> {
 public:
  OnceFunction() noexcept = default;
  OnceFunction(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, OnceFunction> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      OnceFunction(F&& f) {  // NOLINT(google-explicit-constructor): as std::function
    using Held = std::decay_t<F>;
    if constexpr (kFits<Held>) {
      ::new (static_cast<void*>(room_)) Held(std::forward<F>(f));
      ops_ = &kInside<Held>;
    } else {
      ::new (static_cast<void*>(room_)) Held*(new Held(std::forward<F>(f)));
      ops_ = &kOutside<Held>;
    }
  }
  OnceFunction(OnceFunction&& other) noexcept { take(other); }
  OnceFunction& operator=(OnceFunction&& other) noexcept {
    if (this == &other) return *this;
    reset();
    take(other);
    return *this;
  }
  OnceFunction(const OnceFunction&) = delete;
  OnceFunction& operator=(const OnceFunction&) = delete;
  ~OnceFunction() { reset(); }

  explicit operator bool() const noexcept { return ops_ != nullptr; }
  R operator()(Args... args) { return ops_->call(room_, std::forward<Args>(args)...); }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;  // and destroys `from`
    void (*destroy)(void*) noexcept;
  };
  template <class Held>
  static constexpr bool kFits =
      sizeof(Held) <= Room &&
      alignof(Held) <= alignof(void*) && std::is_nothrow_move_constructible_v<Held>;
  template <class Held>
  static constexpr Ops kInside{[](void* at, Args&&... args) -> R {
                                 return (*static_cast<Held*>(at))(std::forward<Args>(args)...);
                               },
                               [](void* from, void* to) noexcept {
                                 ::new (to) Held(std::move(*static_cast<Held*>(from)));
                                 static_cast<Held*>(from)->~Held();
                               },
                               [](void* at) noexcept { static_cast<Held*>(at)->~Held(); }};
  template <class Held>
  static constexpr Ops kOutside{
      [](void* at, Args&&... args) -> R {
        return (**static_cast<Held**>(at))(std::forward<Args>(args)...);
      },
      [](void* from, void* to) noexcept { ::new (to) Held*(*static_cast<Held**>(from)); },
      [](void* at) noexcept { delete *static_cast<Held**>(at); }};

  void take(OnceFunction& other) noexcept {
    ops_ = std::exchange(other.ops_, nullptr);
    if (ops_ != nullptr) ops_->move(other.room_, room_);
  }
  void reset() noexcept {
    if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(room_);
  }

  const Ops* ops_ = nullptr;
  alignas(void*) std::byte room_[Room];
};

}  // namespace kith
