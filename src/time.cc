// The clocks of the operating system: the only place of the library that reads them.
#include "kith/core/time.h"

namespace kith {
namespace {

template <class C>
std::int64_t now_ms() {
  return std::chrono::duration_cast<Millis>(C::now().time_since_epoch()).count();
}

class SystemClock final : public Clock {
 public:
  Timestamp wall() override { return Timestamp{now_ms<std::chrono::system_clock>()}; }
  std::int64_t steady_ms() override { return now_ms<std::chrono::steady_clock>(); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace kith
