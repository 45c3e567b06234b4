// 50,000 clients lose their server at once: they come back as evenly as the schedule says, and all
// of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>
#include <vector>

#include "src/backoff.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using test::SeededRandom;

constexpr int kClients = 50'000;
constexpr std::int64_t kStepMs = 10;
constexpr std::int64_t kSteps = 180'000 / kStepMs;
constexpr std::int64_t kSecond = 1000 / kStepMs;
// Handshakes that the server admits: a tenth of what a returning crowd of this size asks for in its
// first second.
constexpr double kAdmittedPerS = 5'000;
constexpr double kAdmittedPerStep = kAdmittedPerS * kStepMs / 1000;

struct Storm {
  std::vector<double> attempts_per_s;
  std::int64_t last_back_ms = 0;
  int back = 0;
};

// The real distribution: every client draws from its own Backoff.
Storm simulate(std::uint64_t seed) {
  Storm storm;
  storm.attempts_per_s.resize(kSteps / kSecond + 1);
  SeededRandom random(seed);
  std::vector<Backoff> clients(kClients, Backoff(random));
  using Attempt = std::pair<std::int64_t, int>;
  std::priority_queue<Attempt, std::vector<Attempt>, std::greater<>> queue;
  for (int i = 0; i < kClients; ++i) queue.emplace(clients[i].next(0).count(), i);
  double tokens = kAdmittedPerStep;
  std::int64_t step = 0;
  while (!queue.empty()) {
    const auto [now, client] = queue.top();
    queue.pop();
    if (now >= kSteps * kStepMs) break;
    ++storm.attempts_per_s[now / 1000];
    for (; step < now / kStepMs; ++step)
      tokens = std::min(tokens + kAdmittedPerStep, kAdmittedPerStep);
    if (tokens >= 1) {
      --tokens;
      ++storm.back;
      storm.last_back_ms = now;
    } else {
      queue.emplace(now + clients[client].next(now).count(), client);
    }
  }
  return storm;
}

// The promised distribution, computed without drawing: densities of the n-th attempt, each refusal
// spread evenly over the window random(0, min(60 s, 0.5 s * 2^n)).
std::vector<double> expected_per_s() {
  constexpr int kAttempts = 40;
  // slope[n] holds differences of the density of attempt n over steps.
  std::vector<std::vector<double>> slope(kAttempts + 1, std::vector<double>(kSteps + 1));
  const auto spread = [&](int n, std::int64_t from, double mass) {
    const double window_ms = std::min(60'000.0, 500.0 * std::pow(2.0, n));
    const auto width = std::max<std::int64_t>(1, std::llround(window_ms / kStepMs));
    slope[n][std::min(from, kSteps)] += mass / static_cast<double>(width);
    slope[n][std::min(from + width, kSteps)] -= mass / static_cast<double>(width);
  };
  spread(0, 0, kClients);
  std::vector<double> density(kAttempts + 1);
  std::vector<double> per_s(kSteps / kSecond + 1);
  for (std::int64_t t = 0; t < kSteps; ++t) {
    double arriving = 0;
    for (int n = 0; n <= kAttempts; ++n) arriving += density[n] += slope[n][t];
    per_s[t / kSecond] += arriving;
    const double refused = arriving > kAdmittedPerStep ? 1 - kAdmittedPerStep / arriving : 0;
    for (int n = 0; n < kAttempts && refused > 0; ++n) spread(n + 1, t + 1, density[n] * refused);
  }
  return per_s;
}

//
TEST(BackoffStorm, FiftyThousandClientsComeBackEvenlyWithinTwoMinutes) {
  const std::vector<double> expected = expected_per_s();
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Storm storm = simulate(seed);
    EXPECT_EQ(storm.back, kClients);
    EXPECT_LE(storm.last_back_ms, 120'000);
    for (std::size_t s = 0; s < expected.size(); ++s) {
      // In the tail a handful of clients per second is noise, not a wave.
      EXPECT_LE(storm.attempts_per_s[s], 2 * expected[s] + 50) << "second " << s;
    }
    const double peak = *std::max_element(storm.attempts_per_s.begin(), storm.attempts_per_s.end());
    EXPECT_LE(peak, 2 * *std::max_element(expected.begin(), expected.end()));
    EXPECT_GT(peak, kAdmittedPerS);  // the crowd did press
  }
}

//
TEST(BackoffStorm, AClientThatIsAlwaysRefusedEndsInTheSixtySecondBand) {
  SeededRandom random(4);
  Backoff backoff(random);
  std::int64_t now = 0;
  std::int64_t attempts_first_hour = 0;
  std::int64_t longest = 0;
  while (now < 3'600'000) {
    const std::int64_t wait = backoff.next(now).count();
    longest = std::max(longest, wait);
    now += wait;
    ++attempts_first_hour;
  }
  EXPECT_EQ(backoff.window(), Millis(60'000));
  EXPECT_GT(longest, 50'000);
  EXPECT_LE(longest, 60'000);
  EXPECT_LE(attempts_first_hour, 160);  // about one in 30 s
}

// after a long outage (every window at its cap) the crowd is flat over the whole window.
TEST(BackoffStorm, AfterALongOutageArrivalsAreFlat) {
  SeededRandom random(5);
  std::vector<double> per_s(60);
  for (int i = 0; i < kClients; ++i) {
    Backoff backoff(random);
    for (int n = 0; n < 8; ++n) (void)backoff.next(0);
    ++per_s.at(std::min<std::size_t>(static_cast<std::size_t>(backoff.next(0).count() / 1000), 59));
  }
  const double mean = kClients / 60.0;
  double chi2 = 0;
  for (const double n : per_s) chi2 += (n - mean) * (n - mean) / mean;
  EXPECT_LT(chi2, 98.3);  // 59 degrees of freedom, p = 0.001
}

}  // namespace
}  // namespace kith
