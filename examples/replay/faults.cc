// Bad days, spread at random over a replay.
#include "faults.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace replay {
namespace {

constexpr std::size_t kLinesPerKill = 300;
constexpr std::size_t kLinesPerCut = 20;
constexpr int kServerAwayMsMax = 800;
constexpr int kOfflineMsMax = 1'500;

}  // namespace

Faults::Faults(const Options& options, std::size_t lines, ServerProcess& server, Stage& stage)
    : options_(options), server_(server), stage_(stage), random_(options.seed) {
  if (options.kills) {
    const std::size_t kills = std::clamp<std::size_t>(lines / kLinesPerKill, 3, 60);
    plan(Kind::kServerKill, kills, lines);
    plan(Kind::kClientKill, kills, lines);
  }
  if (options.cuts) {
    plan(Kind::kCut, std::clamp<std::size_t>(lines / kLinesPerCut, 5, 3'000), lines);
  }
  std::sort(plan_.begin(), plan_.end(), [](const Fault& a, const Fault& b) { return a.at > b.at; });
}

Faults::~Faults() {
  for (auto& thread : offline_) thread.join();
}

void Faults::plan(Kind kind, std::size_t count, std::size_t lines) {
  for (std::size_t i = 0; i < count; ++i)
    plan_.push_back({random_() % std::max<std::size_t>(lines, 1), kind});
}

void Faults::at(std::size_t done) {
  while (!plan_.empty() && plan_.back().at <= done) {
    const Kind kind = plan_.back().kind;
    plan_.pop_back();
    switch (kind) {
      case Kind::kServerKill:
        server_.kill_now();
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % kServerAwayMsMax));
        server_.start();
        ++server_kills_;
        break;
      case Kind::kClientKill:
        stage_.kill_worker(random_() % options_.workers);
        ++client_kills_;
        break;
      case Kind::kCut:
        cut();
        break;
    }
  }
}

void Faults::cut() {
  auto lease = stage_.any(random_);
  if (!lease) return;
  const std::string away = std::to_string(random_() % kOfflineMsMax);
  ++cuts_;
  offline_.emplace_back([lease = std::move(lease), away] {
    try {
      lease->call("cut", {away});
    } catch (const std::runtime_error&) {
      // The client was closed in between: it is offline already.
    }
  });
}

}  // namespace replay
