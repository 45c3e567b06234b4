// No command of the last ones is taken for a new one; few new ones for known.
#include "server/conversation/recent_commands.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "src/split_mix.h"

namespace kith::server {
namespace {

class RecentCommandsTest : public ::testing::Test {
 protected:
  MessageId next() {
    std::string bytes(16, '\0');
    random_.fill(bytes.data(), bytes.size());
    return *MessageId::from_bytes(bytes);
  }
  SplitMix random_{1};
  const ConversationId room_ = ConversationId::group(random_);
  const UserId ann_ = UserId::of("ann");
  const UserId ben_ = UserId::of("ben");
  RecentCommands recent_;
  std::set<MessageId> seen_;
};

TEST_F(RecentCommandsTest, OfOnePersonAndConversation) {
  const MessageId id = next();
  EXPECT_FALSE(recent_.note(room_, ann_, id));
  EXPECT_TRUE(recent_.note(room_, ann_, id));
  EXPECT_FALSE(recent_.note(room_, ben_, id));
  EXPECT_FALSE(recent_.note(ConversationId::direct(ann_, ben_), ann_, id));
}

// As a poor generator makes them.
TEST_F(RecentCommandsTest, IdsThatDifferInOneByteAreDifferent) {
  for (std::size_t byte = 0; byte < 16; ++byte) {
    for (int value = 1; value < 16; ++value) {
      std::array<std::uint8_t, 16> bytes{};
      bytes[byte] = static_cast<std::uint8_t>(value << (value & 3));
      const std::string name = std::to_string(byte) + "/" + std::to_string(bytes[byte]);
      if (!seen_.insert(MessageId(bytes)).second) continue;
      EXPECT_FALSE(recent_.note(room_, ann_, MessageId(bytes))) << name;
    }
  }
}

TEST_F(RecentCommandsTest, TheLastOnesAreKnownHoweverManyCome) {
  std::vector<MessageId> all;
  std::size_t doubted = 0;
  for (std::size_t i = 0; i < 3 * limits::recent_commands; ++i) {
    all.push_back(next());
    if (recent_.note(room_, ann_, all.back())) ++doubted;
  }
  EXPECT_LT(doubted, all.size() / 100) << "each is a look at the store";
  std::size_t known = 0;
  const std::size_t from = all.size() - limits::recent_commands;
  for (std::size_t i = from; i < all.size(); ++i) {
    if (recent_.note(room_, ann_, all[i])) ++known;
  }
  EXPECT_EQ(known, limits::recent_commands);
}

}  // namespace
}  // namespace kith::server
