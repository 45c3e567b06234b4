// The clocks of the operating system: the only place of the library that reads them.
#include "kith/core/time.h"

namespace kith {
namespace {

template <class C, class Unit>
std::int64_t now() {
  return std::chrono::duration_cast<Unit>(C::now().time_since_epoch()).count();
}

class SystemClock final : public Clock {
 public:
  Timestamp wall() override { return Timestamp{now<std::chrono::system_clock, Millis>()}; }
  std::int64_t steady_ms() override { return now<std::chrono::steady_clock, Millis>(); }
  std::int64_t steady_us() override {
    return now<std::chrono::steady_clock, std::chrono::microseconds>();
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace kith
