// Copies of all disks, and the list of runs.
#include "tests/simulation/server_disks.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "server/records/partition.h"

namespace kith::sim {

std::uint32_t ServerDisks::partition_of(const ConversationId& id) const {
  return server::partition_of(id, count());
}

const ServerDisks::Feeds& ServerDisks::feeds_of(const UserId& user) const {
  return *feeds(server::partition_of(user, static_cast<std::uint32_t>(homes_.size())));
}

ServerDisks::Copy ServerDisks::copy() const {
  Copy copy{{}, {}, *feeds(), *directory, *index, runs(), 0};
  for (const PartitionDisks& part : partitions_) {
    copy.logs.push_back(*part.log);
    copy.stores.push_back(*part.store);
  }
  return copy;
}

void ServerDisks::restore(const Copy& copy) {
  for (std::uint32_t i = 0; i < count(); ++i) {
    log(i) = copy.logs.at(i);
    store(i) = copy.stores.at(i);
  }
  *feeds() = copy.feeds;
  *directory = copy.directory;
  *index = copy.index;
  homes_.front().runs = copy.runs;
  copied_ = true;
  whole_ms_ = copy.whole_ms;
}

void ServerDisks::begin_run(std::uint64_t number, std::uint32_t logs, bool elsewhere,
                            std::uint32_t home) {
  server::Run run;
  run.id = "run" + std::to_string(number) + (home == 0 ? "" : "at" + std::to_string(home));
  run.id.resize(16);
  run.copied = std::exchange(copied_, false);
  for (std::uint32_t i = 0; i < logs; ++i) run.first += log(i).last;
  if (elsewhere) run.first = std::numeric_limits<server::Position>::max();
  for (const PartitionDisks& part : partitions_) {
    if (part.log->entries.empty()) continue;
    const std::int64_t newest = part.log->entries.back().record.gateway_ts_ms;
    run.kept_until_ms = std::max(run.kept_until_ms, newest);
  }
  const std::int64_t whole_ms = std::exchange(whole_ms_, 0);
  if (whole_ms != 0) run.kept_until_ms = std::min(run.kept_until_ms, whole_ms);
  homes_.at(home).runs.push_back(std::move(run));
}

}  // namespace kith::sim
