// Each part of a call finds the front that it is for.
#include "server/link/partition_host.h"

#include <boost/container/small_vector.hpp>
#include <utility>

#include "server/records/partition.h"

namespace kith::server {
namespace {

// Something for each front.
template <class Part>
using Parts = boost::container::small_vector<Part, 4>;

}  // namespace

PartitionHost::PartitionHost(bool further, std::uint32_t fronts) {
  for (std::uint32_t number = 0; number < fronts; ++number) {
    fronts_.push_back(std::make_unique<FrontLink>(number, sessions_, further || fronts > 1));
    marks_.add(fronts_.back()->marks());
  }
}

FeedMarks& PartitionHost::marks() {
  if (fronts_.size() == 1) return fronts_[0]->marks();
  return marks_;
}

void PartitionHost::serve(PartitionOwner& owner) {
  for (const auto& front : fronts_) front->serve(owner);
}

FrontLink& PartitionHost::home_of(const UserId& user) {
  return *fronts_[partition_of(user, static_cast<std::uint32_t>(fronts_.size()))];
}

void PartitionHost::stored(const std::shared_ptr<const StoreBatch>& batch) {
  for (const auto& front : fronts_) front->stored(batch);
}

void PartitionHost::consents(const Caller& caller, const std::vector<UserId>& ids,
                             Done<std::vector<Consent>> done) {
  home_of(caller.user).consents(caller, ids, std::move(done));
}

void PartitionHost::charge(const Caller& caller, std::uint32_t people) {
  home_of(caller.user).charge(caller, people);
}

void PartitionHost::charge_loads(const Caller& caller, std::uint32_t heads) {
  home_of(caller.user).charge_loads(caller, heads);
}

void PartitionHost::relation(const UserId& user, const UserId& other,
                             Done<std::optional<Consent>> done) {
  home_of(user).relation(user, other, std::move(done));
}

void PartitionHost::to_users(std::span<const UserId> users, const Push& push,
                             std::uint64_t except) {
  if (fronts_.size() == 1) {
    return fronts_[0]->to_users(UserList(users.begin(), users.end()), push, except);
  }
  Parts<UserList> parts(fronts_.size());
  for (const UserId& user : users) {
    parts[partition_of(user, static_cast<std::uint32_t>(fronts_.size()))].push_back(user);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    fronts_[i]->to_users(std::move(parts[i]), push, except);
  }
}

void PartitionHost::to_sessions(std::vector<std::uint64_t> sessions, const Push& push) {
  if (fronts_.size() == 1) return fronts_[0]->to_sessions(std::move(sessions), push);
  Parts<std::vector<std::uint64_t>> parts(fronts_.size());
  for (const std::uint64_t session : sessions) {
    if (const auto front = sessions_.front_of(session)) parts[*front].push_back(session);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    fronts_[i]->to_sessions(std::move(parts[i]), push);
  }
}

}  // namespace kith::server
