// Catching up: deltas, snapshots, resets, and what each page may hold.
#include <gtest/gtest.h>

#include <set>

#include "kith/core/limits.h"
#include "src/frame_codec.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;
using testing::message;
using testing::NextProcess;

class ConversationSyncTest : public testing::ServiceTest {
 protected:
  static ConversationId numbered(std::uint32_t n) {
    return ConversationId(std::array<std::uint8_t, 16>{0xdd, static_cast<std::uint8_t>(n >> 8),
                                                       static_cast<std::uint8_t>(n), 0, 0, 0, 0x40,
                                                       0, 0x80});
  }
  // Straight into the log: as many as a test wants, without a request each.
  void make_groups(std::uint32_t count) {
    for (std::uint32_t n = 0; n < count; ++n) {
      LogRecord record;
      record.conversation = numbered(n);
      record.command_id = MessageId(*MessageId::from_bytes(record.conversation.bytes()));
      record.sender = ann;
      record.op = CreateOp{ConversationType::kGroup, "g", {bob}};
      cache.append(std::move(record), [](const Result<Outcome>& made) { EXPECT_TRUE(made.ok()); });
    }
    loop.advance(Millis(10));
  }
  struct Pages {
    std::set<std::string> conversations;
    std::vector<v1::SyncPage> all;
  };
  // Every page of a listing, as a client asks for them.
  Pages pages(const Caller& caller, std::uint64_t cursor, bool snapshot) {
    Pages result;
    std::string token;
    do {
      const v1::ServerFrame answer = sync(caller, cursor, snapshot, token);
      EXPECT_TRUE(answer.has_sync_page());
      EXPECT_TRUE(encode(answer).ok()) << answer.ByteSizeLong();
      for (const auto& state : answer.sync_page().changed()) {
        EXPECT_TRUE(result.conversations.insert(state.conversation_id()).second);
      }
      result.all.push_back(answer.sync_page());
      token = answer.sync_page().page_token();
    } while (result.all.back().more() && result.all.size() < 1'000);
    return result;
  }
  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
};

TEST_F(ConversationSyncTest, ADeltaListsWhatChangedAfterTheCursorOnly) {
  make_groups(3);
  const auto first = pages(bobs, 0, false);
  EXPECT_EQ(first.conversations.size(), 3u);
  send(anna, {out(1)}, numbered(1));
  const auto second = pages(bobs, first.all.back().next_cursor(), false);
  EXPECT_EQ(second.conversations, std::set<std::string>{numbered(1).bytes()});
  EXPECT_TRUE(pages(bobs, second.all.back().next_cursor(), false).conversations.empty());
}

TEST_F(ConversationSyncTest, ADeltaOfManyPagesIsWholeAndKeepsItsFirstMark) {
  make_groups(120);
  const v1::ServerFrame first = sync(bobs, 0);
  ASSERT_TRUE(first.sync_page().more());
  send(anna, {out(1)}, numbered(0));  // changes while the listing runs
  const v1::ServerFrame second = sync(bobs, 0, false, first.sync_page().page_token());
  EXPECT_EQ(second.sync_page().next_cursor(), first.sync_page().next_cursor());
  EXPECT_EQ(pages(bobs, 0, false).conversations.size(), 120u);
}

TEST_F(ConversationSyncTest, MoreChangesThanADeltaIsGoodForAreASnapshot) {
  make_groups(limits::sync_delta_max);
  EXPECT_TRUE(sync(bobs, 0).has_sync_page());
  LogRecord one_more;
  one_more.conversation = group_id(99);
  one_more.sender = ann;
  one_more.op = CreateOp{ConversationType::kGroup, "g", {bob}};
  cache.append(std::move(one_more), [](const Result<Outcome>&) {});
  loop.advance(Millis(10));
  const v1::ServerFrame reset = sync(bobs, 0);
  ASSERT_TRUE(reset.has_sync_reset());
  EXPECT_EQ(reset.sync_reset().reason(), v1::SYNC_RESET_REASON_TOO_MANY);
  EXPECT_EQ(reset.sync_reset().snapshot_cursor(), cache.progress().decided());
  EXPECT_EQ(pages(bobs, 0, true).conversations.size(), limits::sync_delta_max + 1);
  EXPECT_TRUE(pages(bobs, reset.sync_reset().snapshot_cursor(), false).conversations.empty());
}

// A client that does not repeat `snapshot`, or the cursor, gets the rest of what it began.
TEST_F(ConversationSyncTest, ATokenSaysItselfWhatItContinues) {
  make_groups(120);
  for (const bool snapshot : {true, false}) {
    std::set<std::string> listed;
    v1::ServerFrame answer = sync(bobs, 0, snapshot);
    while (true) {
      ASSERT_TRUE(answer.has_sync_page());
      for (const auto& state : answer.sync_page().changed()) {
        EXPECT_TRUE(listed.insert(state.conversation_id()).second);
      }
      if (!answer.sync_page().more()) break;
      answer = sync(bobs, cache.progress().decided(), !snapshot, answer.sync_page().page_token());
    }
    EXPECT_EQ(listed.size(), 120u);
    EXPECT_TRUE(answer.sync_page().has_user_state());
  }
}

TEST_F(ConversationSyncTest, WhatIsNoTokenIsRefused) {
  make_groups(60);
  const std::string token = sync(bobs, 0, true).sync_page().page_token();
  std::string turned = token;
  turned[3] = static_cast<char>(turned[3] ^ 1);
  v1::ClientFrame members;
  members.mutable_get_members()->set_conversation_id(numbered(0).bytes());
  members.mutable_get_members()->set_limit(1);
  const std::string next = ask(bobs, members).members_page().page_token();
  ASSERT_FALSE(next.empty());
  for (const std::string& bad : {std::string("0"), std::string("page"), std::string("u5:3"),
                                 token.substr(1), token + "x", turned, next}) {
    EXPECT_EQ(sync(bobs, 0, true, bad).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
    EXPECT_EQ(sync(anna, 0, false, bad).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(sync(anna, 0, true, token).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT)
      << "it is bob's";
  for (const std::string& bad : {bob.bytes(), std::string("x"), token, next.substr(1)}) {
    members.mutable_get_members()->set_page_token(bad);
    EXPECT_EQ(ask(bobs, members).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
  }
  members.mutable_get_members()->set_page_token(next);
  EXPECT_EQ(ask(bobs, members).members_page().members_size(), 1);
}

TEST_F(ConversationSyncTest, ASnapshotBeginsWithTheMostRecentlyActive) {
  make_groups(60);
  send(anna, {out(1)}, numbered(7));
  const v1::ServerFrame first = sync(bobs, 0, true);
  EXPECT_EQ(first.sync_page().changed(0).conversation_id(), numbered(7).bytes());
  EXPECT_EQ(static_cast<std::size_t>(first.sync_page().changed_size()),
            limits::sync_window_default);
}

TEST_F(ConversationSyncTest, ACursorBelowTheHorizonOfTheFeedIsASnapshot) {
  make_groups(3);
  disks.feed->horizon = 2;
  EXPECT_EQ(sync(bobs, 1).sync_reset().reason(), v1::SYNC_RESET_REASON_HORIZON);
  EXPECT_TRUE(sync(bobs, 2).has_sync_page());
  EXPECT_EQ(pages(bobs, 0, true).conversations.size(), 3u);
}

TEST_F(ConversationSyncTest, ACursorOfAnotherHistoryIsASnapshot) {
  make_groups(1);
  EXPECT_EQ(sync(bobs, 1'000).sync_reset().reason(), v1::SYNC_RESET_REASON_FUTURE);
}

// Given before the crash, by a server that had decided the whole log; this one waits for the store.
TEST_F(ConversationSyncTest, ACursorOfARecordThatIsDecidedAgainIsNoFuture) {
  make_groups(1);
  disks.store->apply_delay = [] { return Millis(1'000'000); };
  send(anna, {out(1)}, numbered(0));
  const FeedVersion cursor = sync(bobs, 0).sync_page().next_cursor();
  ASSERT_EQ(cursor, 2u);
  NextProcess next(disks, loop);
  int reads = 0;
  disks.store->read_fault = [&]() -> std::optional<Error> {  // but of its position
    if (++reads > 1) return make_error(ErrorCode::kIo, "no");
    return std::nullopt;
  };
  ASSERT_TRUE(next.start().ok());
  disks.store->read_fault = nullptr;
  ASSERT_LT(next.cache.progress().decided(), 2u);
  SyncService again{next.feed, next.conversations, users};
  const auto answer = std::make_shared<std::optional<v1::ServerFrame>>();
  const auto resync = [&](std::uint64_t from) {
    v1::ClientFrame frame;
    frame.mutable_sync()->set_cursor(from);
    answer->reset();
    again.sync(bobs, frame.sync(),
               Reply([answer](v1::ServerFrame&& reply) { *answer = std::move(reply); }));
    loop.settle();
    return answer->value();
  };
  const FeedVersion between = resync(cursor).sync_page().next_cursor();
  EXPECT_GT(between, cursor);
  EXPECT_EQ(resync(between + 1).sync_reset().reason(), v1::SYNC_RESET_REASON_FUTURE);
  loop.advance(Millis(200));  // decided
  EXPECT_EQ(resync(between).sync_page().changed_size(), 1) << "its mark is above the cursor";
  EXPECT_EQ(resync(cursor).sync_page().changed_size(), 1) << "the mark of before may be lost";
}

TEST_F(ConversationSyncTest, AllContactsAndBlocksAreListedInPagesThatFit) {
  make_groups(60);
  UserChange change;
  for (std::uint32_t n = 0; n < limits::contacts_max; ++n) {
    change.add_contacts.push_back(UserId::of("contact" + std::to_string(n)));
    change.block.push_back(UserId::of("blocked" + std::to_string(n)));
  }
  users.update(bob, change, [](const Result<Users::Record>& done) { EXPECT_TRUE(done.ok()); });
  loop.settle();
  std::set<std::string> contacts, blocked;
  const Pages found = pages(bobs, 0, false);
  for (const v1::SyncPage& page : found.all) {
    contacts.insert(page.user_state().contacts().begin(), page.user_state().contacts().end());
    blocked.insert(page.user_state().blocked().begin(), page.user_state().blocked().end());
    EXPECT_EQ(page.next_cursor(), found.all.front().next_cursor());
  }
  EXPECT_EQ(contacts.size(), limits::contacts_max);
  EXPECT_EQ(blocked.size(), limits::contacts_max);
  EXPECT_EQ(found.conversations.size(), 60u);
}

TEST_F(ConversationSyncTest, AContactTooManyIsRefusedAndNothingChanges) {
  UserChange change;
  for (std::uint32_t n = 0; n <= limits::contacts_max; ++n) {
    change.add_contacts.push_back(UserId::of("contact" + std::to_string(n)));
  }
  std::optional<ErrorCode> refused;
  users.update(bob, change, [&](const Result<Users::Record>& done) {
    if (!done) refused = done.error().code;
  });
  loop.settle();
  EXPECT_EQ(refused, ErrorCode::kLimitExceeded);
  EXPECT_EQ(sync(bobs, 0).sync_page().user_state().contacts_size(), 0);
}

}  // namespace
}  // namespace kith::server
