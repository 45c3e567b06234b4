// Invariant 7: watermarks are within the history, in order among themselves, and never fall: on the
// server, on a device, and as what its application is shown.
#pragma once

#include <map>
#include <utility>

#include "tests/simulation/checker.h"

namespace kith::sim {

class WatermarksChecker : public Checker {
 public:
  using Checker::Checker;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;
  void cached(const Who& who, const client::CacheChange& change) override;
  void told(const Who& who, const client::Event& event) override;
  void rolled_back(const Who& who) override;

 private:
  void head(const server::Head& head);
  void member(const ConversationId& id, const server::Member& member);
  void record(const Who& who, const client::ConversationRecord& record);

  std::map<ConversationId, server::Head> heads_;
  std::map<std::pair<ConversationId, UserId>, server::Member> members_;
  std::map<std::size_t, std::map<ConversationId, client::ConversationRecord>> records_;
  std::map<std::size_t, std::uint64_t> cursors_;
  std::map<std::size_t, std::map<MessageId, DeliveryStatus>> statuses_;
};

}  // namespace kith::sim
