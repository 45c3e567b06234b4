// Invariant 9: a member receives nothing from before joining or after leaving. Invariant 11: an id tells the
// type of its conversation.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace kith::sim {

class MembershipChecker : public Checker {
 public:
  using Checker::Checker;
  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;
  void at_rest() override;

 private:
  using Span = std::pair<std::uint64_t, std::uint64_t>;  // from joining to leaving, both included
  void see(const UserId& user, const v1::Event& event);
  // Computed from the history alone.
  [[nodiscard]] std::map<UserId, std::vector<Span>> spans_of(const ConversationId& id) const;

  std::map<ConversationId, std::map<UserId, std::set<std::uint64_t>>> seen_;
};

}  // namespace kith::sim
