// LinkedPartition: a partition of conversations in another process. Its owner may change, and the way to it may break.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "server/dispatch/partition.h"
#include "server/link/owner_link.h"

namespace kith::server {

// On the loop of the front.
class LinkedPartition : public Partition {
 public:
  explicit LinkedPartition(const PartitionFront& front);

  // The owner of `epoch` can be reached: see OwnerLink::connect(), whose number it returns. nullopt, and nothing
  // changes: an owner of a later epoch was connected before, and the state of this one may be old.
  std::optional<std::uint64_t> connect(FrontLink& host, Lane& lane, std::uint64_t epoch);
  // The connection `number` has broken.
  void disconnect(std::uint64_t number);
  // The link that a host answers; see FrontLink::connected().
  OwnerLink& link() { return link_; }

  // Needs no owner.
  Result<LogSpan> start() override;
  PartitionOwner& owner() override { return link_; }
  // A log of several processes is copied by other means.
  void hold_log(bool held, Done<void> done) override;
  void probe() override {}
  [[nodiscard]] std::uint64_t apply_lag() const override { return 0; }
  void add_stats(std::map<std::string, std::uint64_t>& all) const override;

 private:
  const PartitionFront front_;
  OwnerLink link_;
  std::uint64_t connection_ = 0;
  std::uint64_t epoch_ = 0;  // the latest
};

}  // namespace kith::server
