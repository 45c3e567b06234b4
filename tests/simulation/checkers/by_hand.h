// Invariant 28: where the application acknowledges by hand, nothing is acknowledged to the server that it has not
// dealt with, and nothing that its device holds is lost to it, whenever its process ends.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/checker.h"

namespace kith::sim {

class ByHandChecker : public Checker {
 public:
  using Checker::Checker;
  void asks(const Who& who, const v1::ClientFrame& frame) override;
  void cached(const Who& who, const client::CacheChange& change) override;
  void dealt_with(const Who& who, const ConversationId& id, std::uint64_t seq) override;
  void rolled_back(const Who& who) override;
  void forgot_history(const Who& who) override;
  void at_rest() override;

 private:
  // Messages of others that the application of a device has not dealt with.
  using Waiting = std::map<ConversationId, std::set<std::uint64_t>>;
  std::map<std::size_t, Waiting> waiting_;
  std::map<std::size_t, Waiting> dealt_with_;
};

}  // namespace kith::sim
