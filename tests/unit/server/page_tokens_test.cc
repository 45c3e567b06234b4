// PageTokens: a token is what this server has made, for this person and this listing, or none.
#include "server/requests/page_tokens.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace kith::server {
namespace {

const UserId kAnn = UserId::of("ann");
const UserId kBob = UserId::of("bob");
const ConversationId kRoom = ConversationId(std::array<std::uint8_t, 16>{1});
const ConversationId kOther = ConversationId(std::array<std::uint8_t, 16>{2});
const SyncPlace kPlace{SyncPlace::Kind::kSnapshot, true, 0x0102'0304'0506'0708, 9, 1'000'000};

// Every string that is nearly `token`: cut short, longer, with one bit turned over.
void for_each_damage(const std::string& token, const std::function<void(const std::string&)>& use) {
  for (std::size_t size = 0; size < token.size(); ++size) use(token.substr(0, size));
  for (std::size_t begin = 1; begin < token.size(); ++begin) use(token.substr(begin));
  use(token + std::string(1, '\0'));
  use(token + token);
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    std::string turned = token;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << (bit % 8)));
    use(turned);
  }
}

TEST(PageTokens, SayWhatTheyContinue) {
  const PageTokens tokens("a secret");
  EXPECT_EQ(tokens.sync_place(kAnn, tokens.of_sync(kAnn, kPlace)), kPlace);
  EXPECT_EQ(tokens.members_after(kAnn, kRoom, tokens.of_members(kAnn, kRoom, kBob)), kBob);
  EXPECT_EQ(PageTokens("a secret").sync_place(kAnn, tokens.of_sync(kAnn, kPlace)), kPlace);
}

TEST(PageTokens, NothingElseIsOne) {
  const PageTokens tokens("a secret");
  const std::string sync = tokens.of_sync(kAnn, kPlace);
  const std::string members = tokens.of_members(kAnn, kRoom, kBob);
  for_each_damage(sync, [&](const std::string& damaged) {
    EXPECT_EQ(tokens.sync_place(kAnn, damaged), std::nullopt) << damaged.size();
  });
  for_each_damage(members, [&](const std::string& damaged) {
    EXPECT_EQ(tokens.members_after(kAnn, kRoom, damaged), std::nullopt) << damaged.size();
  });
  EXPECT_EQ(tokens.sync_place(kBob, sync), std::nullopt);
  EXPECT_EQ(tokens.members_after(kBob, kRoom, members), std::nullopt);
  EXPECT_EQ(tokens.members_after(kAnn, kOther, members), std::nullopt);
  EXPECT_EQ(tokens.members_after(kAnn, kRoom, sync), std::nullopt);
  EXPECT_EQ(tokens.sync_place(kAnn, members), std::nullopt);
  EXPECT_EQ(PageTokens("another").sync_place(kAnn, sync), std::nullopt);
}

}  // namespace
}  // namespace kith::server
