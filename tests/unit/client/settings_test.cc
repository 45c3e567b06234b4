// Settings that a person's devices share: privacy, contacts and blocks, from sync pages into the cache.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

class SettingsTest : public EngineTest {
 protected:
  // The answer to the next sync: users `from` to `to` are contacts, those of `blocked` are blocked.
  void answer(int from, int to, const std::vector<int>& blocked, const std::string& token) {
    v1::ServerFrame frame;
    frame.set_reply_to(expect(v1::ClientFrame::kSync).req_id());
    v1::SyncPage& page = *frame.mutable_sync_page();
    page.set_next_cursor(7);
    page.set_more(!token.empty());
    page.set_page_token(token);
    v1::UserState& state = *page.mutable_user_state();
    state.mutable_settings()->set_online(v1::AUDIENCE_CONTACTS);
    for (int n = from; n <= to; ++n) state.add_contacts(user(n).bytes());
    for (const int n : blocked) state.add_blocked(user(n).bytes());
    say(frame);
  }
  static UserId user(int n) { return UserId::of("user" + std::to_string(n)); }
  std::size_t told() const {
    std::size_t n = 0;
    for (const Event& e : events) n += std::holds_alternative<SettingsChanged>(e);
    return n;
  }
};

TEST_F(SettingsTest, ListsOfSeveralPagesAreJoinedAndKept) {
  engine->connection().start();
  welcome(hello());
  answer(1, 3, {}, "more");
  EXPECT_TRUE(engine->settings().contacts().empty()) << "half a list is none";
  answer(4, 5, {8, 9}, "");
  const std::vector<UserId> contacts = {user(1), user(2), user(3), user(4), user(5)};
  EXPECT_EQ(engine->settings().contacts(), contacts);
  EXPECT_EQ(engine->settings().blocked(), (std::vector<UserId>{user(8), user(9)}));
  EXPECT_EQ(engine->settings().privacy().online, Audience::kContacts);
  EXPECT_EQ(told(), 1u);
  restart();
  EXPECT_EQ(engine->settings().contacts(), contacts);
  EXPECT_EQ(engine->settings().blocked(), (std::vector<UserId>{user(8), user(9)}));
}

TEST_F(SettingsTest, AShorterListReplacesTheLongerAndTheSameIsNotTold) {
  go_online();
  for (const int last : {3, 3, 1}) {
    v1::ServerFrame notice;
    notice.mutable_feed_notice()->set_ver(100);
    say(notice);
    scheduler.advance(limits::gap_wait);
    answer(1, last, {}, "");
  }
  EXPECT_EQ(engine->settings().contacts(), std::vector<UserId>{user(1)});
  EXPECT_EQ(told(), 2u);
}

TEST_F(EngineTest, NamesThatWereRefusedForTheirNumberAreAskedForAgain) {
  go_online({state(0)});
  const v1::ClientFrame asked = expect(v1::ClientFrame::kGetUsers);
  server.received.clear();
  v1::ServerFrame refused;
  refused.set_reply_to(asked.req_id());
  refused.mutable_error()->set_code(v1::ERROR_CODE_RATE_LIMITED);
  refused.mutable_error()->set_retryable(true);
  refused.mutable_error()->set_retry_after_ms(5'000);
  say(refused);
  scheduler.advance(Millis(4'900));
  EXPECT_EQ(count(v1::ClientFrame::kGetUsers), 0U);
  scheduler.advance(Millis(200));
  EXPECT_EQ(expect(v1::ClientFrame::kGetUsers).get_users().user_ids_size(),
            asked.get_users().user_ids_size());
}

}  // namespace
}  // namespace kith::client
