// Invariant 33: a device that may have missed pushes is notified to sync, and at rest every session is in the registry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "tests/simulation/checker.h"

namespace kith::sim {

class MissedChecker : public Checker {
 public:
  using Checker::Checker;
  void connects(const Who& who) override;
  void falls_silent(const Who& who) override { connects(who); }
  void asks(const Who& who, const v1::ClientFrame& frame) override;
  void server_starts(const Budget& budget) override;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void enters(const Who& who, std::uint64_t session) override;
  void entered(const Who& who, std::uint64_t session) override;
  void left(const Who& who, std::uint64_t session) override;
  void registry_lost(const server::Home& home) override;
  void bus_lost(const server::Home& home) override;
  void at_rest() override;

 private:
  struct State {
    bool welcomed = false;
    bool late = false;                 // it was so while the registry did not have its session
    std::set<std::uint64_t> entering;  // sessions
    std::set<std::uint64_t> registered;
    std::optional<std::int64_t> unregistered_since;
    std::optional<std::int64_t> missed_since;
    std::optional<std::int64_t> notified;  // and no sync since
  };
  void missed(State& state);
  void judge_sync(const Who& who, const State& state);

  std::map<std::size_t, State> states_;  // by device
};

}  // namespace kith::sim
