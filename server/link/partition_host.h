// PartitionHost: the fronts of the server, on other loops or in other processes, as one for a partition of
// conversations. Each front is the home of some users; partition_of() names the home of each. Questions, marks and
// pushes of the partition go to the homes of the users that they are about.
//
// Each front may go for itself (FrontLink): the others are not disturbed. But the store of the partition waits for the
// marks of all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "server/delivery/fanout.h"
#include "server/link/front_link.h"
#include "server/link/front_sessions.h"
#include "server/link/mark_router.h"
#include "server/requests/relations.h"

namespace kith::server {

// On the loop of the partition.
class PartitionHost : public Relations, public Fanout {
 public:
  // `fronts`: their number, which never changes. `further`: see FrontLink; of several fronts each connects for itself,
  // so there always are further connections.
  explicit PartitionHost(bool further, std::uint32_t fronts = 1);

  // The way of the partition's marks to the fronts.
  FeedMarks& marks();
  // The partition that answers; it outlives the calls of the fronts.
  void serve(PartitionOwner& owner);
  // The front of this number, from 0: the home of the users of whom partition_of() says so.
  [[nodiscard]] FrontLink& front(std::uint32_t number = 0) { return *fronts_[number]; }

  // The store has taken a batch.
  void stored(const std::shared_ptr<const StoreBatch>& batch);

  // The home of the caller answers, and pays.
  void consents(const Caller& caller, const std::vector<UserId>& ids,
                Done<std::vector<Consent>> done) override;
  void charge(const Caller& caller, std::uint32_t people) override;
  void charge_loads(const Caller& caller, std::uint32_t heads) override;
  // The home of `user` answers.
  void relation(const UserId& user, const UserId& other,
                Done<std::optional<Consent>> done) override;

  // Pushes to one user, and to one session, come in the order of the calls.
  void to_users(std::span<const UserId> users, const Push& push, std::uint64_t except) override;
  void to_sessions(std::vector<std::uint64_t> sessions, const Push& push) override;

 private:
  [[nodiscard]] FrontLink& home_of(const UserId& user);

  FrontSessions sessions_;
  std::vector<std::unique_ptr<FrontLink>> fronts_;
  MarkRouter marks_;  // of several fronts
};

}  // namespace kith::server
