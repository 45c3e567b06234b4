// A ConversationShard on a log and a store in memory, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/conversation/conversation_shard.h"
#include "server/feed/user_feed.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server::testing {

class CacheTest : public ::testing::Test {
 protected:
  VirtualLoop loop;
  std::shared_ptr<CommandLogMemory::Disk> log_disk = std::make_shared<CommandLogMemory::Disk>();
  std::shared_ptr<ConversationStoreMemory::Disk> disk =
      std::make_shared<ConversationStoreMemory::Disk>();
  CommandLogMemory log{log_disk, loop};
  ConversationStoreMemory store{disk, loop};
  std::shared_ptr<FeedStoreMemory::Disk> feed_disk = std::make_shared<FeedStoreMemory::Disk>();
  FeedStoreMemory feed_store{feed_disk, loop};
  UserFeed feed{feed_store, loop};
  ConversationShard cache{log, store, feed, loop};
};

}  // namespace kith::server::testing
