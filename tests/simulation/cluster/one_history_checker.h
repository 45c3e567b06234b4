// Invariant 36: what the server says of a place in a conversation is what the log decides alone.
#pragma once

#include <string>

#include "tests/simulation/checker.h"
#include "tests/simulation/cluster/cluster.h"

namespace kith::sim {

class OneHistoryChecker : public Checker {
 public:
  // `cluster` outlives this.
  OneHistoryChecker(const Truth& truth, Findings& findings, const Cluster& cluster)
      : Checker(truth, findings), cluster_(cluster) {}

  void server_says(const Who& who, const v1::ServerFrame& frame) override;
  void at_rest() override;

 private:
  void judge(const Who& who, const v1::Event& event);
  void judge(const Who& who, const v1::SendResult& result);

  const Cluster& cluster_;
};

}  // namespace kith::sim
