// A feed store in memory whose "disk" outlives it.
#include "server/adapters/embedded/feed_store_memory.h"

#include <algorithm>
#include <utility>

namespace kith::server {
namespace {

void store_batch(FeedStoreMemory::Disk& disk, const FeedBatch& batch) {
  for (const FeedRow& row : batch.entries) {
    FeedRow& stored = disk.entries[row.user][row.conversation];
    if (stored.ver < row.ver) stored = row;
  }
  for (const auto& [group, ver] : batch.groups) {
    FeedVersion& stored = disk.groups[group];
    stored = std::max(stored, ver);
  }
  for (const auto& [user, ver] : batch.users) {
    FeedVersion& stored = disk.users[user];
    stored = std::max(stored, ver);
  }
}

// Ascending by version.
std::vector<FeedEntry> feed_of(const FeedStoreMemory::Disk& disk, const UserId& user) {
  std::vector<FeedEntry> feed;
  const auto it = disk.entries.find(user);
  if (it == disk.entries.end()) return feed;
  for (const auto& [id, row] : it->second) feed.push_back({id, row.ver});
  std::sort(feed.begin(), feed.end(), [](const FeedEntry& a, const FeedEntry& b) {
    return std::pair(a.ver, a.conversation) < std::pair(b.ver, b.conversation);
  });
  return feed;
}

}  // namespace

FeedStoreMemory::FeedStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler)
    : disk_(std::move(disk)), batches_(disk_, scheduler, store_batch) {}

Result<std::uint64_t> FeedStoreMemory::begin() {
  if (const auto fault = batches_.read_fault()) return *fault;
  return ++disk_->runs;
}

void FeedStoreMemory::apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) {
  batches_.apply(std::move(batch), std::move(done));
}

void FeedStoreMemory::changed(const UserId& user, FeedVersion after, std::size_t limit,
                              Done<std::vector<FeedEntry>> done) {
  batches_.answer<std::vector<FeedEntry>>(std::move(done), [user, after, limit](const Disk& disk) {
    auto feed = feed_of(disk, user);
    std::erase_if(feed, [after](const FeedEntry& entry) { return entry.ver <= after; });
    if (feed.size() > limit) feed.resize(limit);
    return feed;
  });
}

void FeedStoreMemory::list(const UserId& user, FeedVersion before, std::size_t limit,
                           Done<std::vector<FeedEntry>> done) {
  batches_.answer<std::vector<FeedEntry>>(std::move(done), [user, before, limit](const Disk& disk) {
    auto feed = feed_of(disk, user);
    std::reverse(feed.begin(), feed.end());
    if (before != 0) {
      std::erase_if(feed, [before](const FeedEntry& entry) { return entry.ver >= before; });
    }
    if (feed.size() > limit) feed.resize(limit);
    return feed;
  });
}

void FeedStoreMemory::large(const UserId& user, Done<std::vector<FeedEntry>> done) {
  batches_.answer<std::vector<FeedEntry>>(std::move(done), [user](const Disk& disk) {
    std::vector<FeedEntry> found;
    const auto it = disk.entries.find(user);
    if (it == disk.entries.end()) return found;
    for (const auto& [id, row] : it->second) {
      if (!row.large) continue;
      const auto group = disk.groups.find(id);
      found.push_back({id, group == disk.groups.end() ? 0 : group->second});
    }
    return found;
  });
}

void FeedStoreMemory::user_state(const UserId& user, Done<FeedVersion> done) {
  batches_.answer<FeedVersion>(std::move(done), [user](const Disk& disk) {
    const auto it = disk.users.find(user);
    return it == disk.users.end() ? FeedVersion{0} : it->second;
  });
}

}  // namespace kith::server
