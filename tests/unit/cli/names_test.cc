// The meaning of WHO, and the names of people.
#include "client/cli/names.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

ConversationId group_id(const char* digit) {
  std::string text;
  for (int i = 0; i < 32; ++i) text += digit;
  return ConversationId(*ConversationId::parse(text));
}

TEST(Who, ABareWordIsAHandleAndNeverATitle) {
  const auto who = parse_who("bob");
  ASSERT_TRUE(who.ok());
  EXPECT_EQ(who->kind, Who::Kind::kHandle);
  EXPECT_EQ(who->text, "bob");
  EXPECT_EQ(parse_who("@bob")->text, "bob");
  EXPECT_EQ(parse_who("@#bob")->text, "#bob");
  EXPECT_EQ(parse_who("#plans")->kind, Who::Kind::kTitle);
  EXPECT_EQ(parse_who(std::string(32, 'a'))->kind, Who::Kind::kId);
  EXPECT_EQ(parse_who("@" + std::string(32, 'a'))->kind, Who::Kind::kHandle);
  for (const char* empty : {"", "#", "@"}) EXPECT_FALSE(parse_who(empty).ok());
}

TEST(ChooseGroup, OneFits) {
  const auto chosen =
      choose_group("plans", {{group_id("1"), "plans"}, {group_id("2"), "Plans"}}, {});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(*chosen, group_id("1"));
}

TEST(ChooseGroup, SeveralAreRefusedWithAllOfThem) {
  const auto chosen =
      choose_group("plans", {{group_id("1"), "plans"}, {group_id("2"), "plans"}}, {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(chosen.error().message.find(group_id("1").to_string()), std::string::npos);
  EXPECT_NE(chosen.error().message.find(group_id("2").to_string()), std::string::npos);
}

TEST(ChooseGroup, TheOneThatWasUsedBeforeGoesFirst) {
  const auto chosen =
      choose_group("plans", {{group_id("1"), "plans"}, {group_id("2"), "plans"}}, {group_id("1")});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(*chosen, group_id("1"));
}

TEST(ChooseGroup, AStrangersGroupDoesNotInheritATitle) {
  const auto chosen = choose_group("plans", {{group_id("1"), "renamed"}, {group_id("2"), "plans"}},
                                   {group_id("1")});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(choose_group("none", {}, {}).error().code, ErrorCode::kNotFound);
}

client::Profile profile(const std::string& handle, const std::string& name) {
  return {UserId::of(handle), handle, name};
}

TEST(Names, APersonIsCalledByTheHandle) {
  const Home home("/nonexistent");
  const Names names(home, "me", [](const UserId& user) -> std::optional<client::Profile> {
    if (user == UserId::of("mallory")) return profile("mallory", "bob");
    if (user == UserId::of("eve")) {  // a server that lies about a handle
      client::Profile lie = profile("eve", "bob");
      lie.handle = "bob";
      return lie;
    }
    if (user == UserId::of("gone")) return client::Profile{user, "", ""};
    return std::nullopt;
  });
  EXPECT_EQ(names.of(UserId::of("me")), "me");
  EXPECT_EQ(names.of(UserId::of("mallory")), "mallory");
  EXPECT_EQ(names.display(UserId::of("mallory")), "bob");
  EXPECT_EQ(names.of(UserId::of("eve")).substr(0, 5), "user-");
  EXPECT_TRUE(names.knows(UserId::of("me")));
  EXPECT_TRUE(names.knows(UserId::of("gone")));  // there is no more to learn
  EXPECT_FALSE(names.knows(UserId::of("nobody")));
}

TEST(Names, ATitleShowsTheHandleFirst) {
  Names names(Home("/nonexistent"), "me");
  client::Conversation c;
  c.type = ConversationType::kDirect;
  c.peer = UserId::of("mallory");
  c.title = "bob";
  EXPECT_EQ(names.title(c).substr(0, 5), "user-");
  names.learn("mallory");
  EXPECT_EQ(names.title(c), "mallory (bob)");
  c.title = "mallory";
  EXPECT_EQ(names.title(c), "mallory");
  c.type = ConversationType::kGroup;
  c.title = "team\u200b";
  EXPECT_EQ(names.title(c), "#team<U+200B>");
}

}  // namespace
}  // namespace kith::cli
