// The clocks of the system move the right way, and the library knows its version.
#include "kith/core/time.h"

#include <gtest/gtest.h>

#include "kith/core/export.h"

namespace kith {
namespace {

TEST(SystemClock, SteadyNeverGoesBackAndWallIsInThisCentury) {
  std::int64_t last = system_clock().steady_ms();
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t now = system_clock().steady_ms();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(system_clock().wall().ms, 1'577'836'800'000);  // 2020
  EXPECT_LT(system_clock().wall().ms, 4'102'444'800'000);  // 2100
}

TEST(Version, LibraryAndHeadersAgree) {
  EXPECT_STREQ(version(), KITH_VERSION_STRING);
  EXPECT_EQ(std::string(version()), std::to_string(KITH_VERSION_MAJOR) + "." +
                                        std::to_string(KITH_VERSION_MINOR) + "." +
                                        std::to_string(KITH_VERSION_PATCH));
}

}  // namespace
}  // namespace kith
