// Invariant 28: if the application acknowledges by hand, the server gets no acknowledgement of a message that it
// has not processed, and it loses no message that its device holds, whenever its process ends.
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
  // Messages of others that the application of a device has not processed.
  using Waiting = std::map<ConversationId, std::set<std::uint64_t>>;
  std::map<std::size_t, Waiting> waiting_;
  std::map<std::size_t, Waiting> dealt_with_;
};

}  // namespace kith::sim
