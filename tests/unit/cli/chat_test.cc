// The full screen without a terminal and without a server: input, display and selection.
#include "client/cli/chat.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

namespace kith::cli {
namespace {

class ChatTest : public testing::Test {
 protected:
  ChatTest() {
    use_utf8_locale();
    std::string name = testing::TempDir() + "kith-chat-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    client::ClientOptions options;
    options.url = "ws://127.0.0.1:1/v1/ws";
    options.handle = "alice";
    options.token = client::fixed_token("token");
    auto opened = client::Client::open(options);  // in memory, and never connected
    EXPECT_TRUE(opened.ok());
    client_ = std::move(*opened);
    home_ = std::make_unique<Home>(directory_);
    chat_ = std::make_unique<Chat>(*client_, *home_, "alice", [this] {
      const std::lock_guard lock(mutex_);
      ++changes_;
      changed_.notify_all();
    });
  }
  ~ChatTest() override {
    chat_.reset();
    client_->close();
    std::filesystem::remove_all(directory_);
  }
  // Waits for the views until `fact` holds of the picture.
  template <class Fact>
  bool shows(Fact fact) {
    std::unique_lock lock(mutex_);
    for (int i = 0; i < 200; ++i) {
      const int seen = changes_;
      lock.unlock();
      chat_->refresh();
      if (fact(chat_->picture())) return true;
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return changes_ != seen; });
    }
    return false;
  }
  bool shows_messages(std::size_t count) {
    return shows([count](const Picture& p) { return p.open && p.timeline.size() == count; });
  }
  std::string notice() { return chat_->view().notice; }
  bool command(const std::string& text) {
    chat_->view().notice.clear();
    return chat_->submit(text, true);
  }

  std::string directory_;
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<Home> home_;
  std::unique_ptr<Chat> chat_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;
};

TEST_F(ChatTest, AConversationBeginsWithItsFirstMessage) {
  EXPECT_FALSE(chat_->submit("to nobody", false));
  EXPECT_NE(notice().find("/to WHO"), std::string::npos);
  ASSERT_TRUE(command("/to bob"));
  EXPECT_NE(notice().find("first message to bob"), std::string::npos);
  ASSERT_TRUE(chat_->submit("hello", false));
  ASSERT_TRUE(shows_messages(1));
  EXPECT_EQ(chat_->picture().titles.at(0), "bob");
  EXPECT_EQ(chat_->picture().senders.at(0), "alice");
  EXPECT_EQ(chat_->picture().timeline.at(0).status, DeliveryStatus::kSending);
}

TEST_F(ChatTest, OnlyWhatWasTypedIsACommand) {
  ASSERT_TRUE(command("/to bob"));
  EXPECT_TRUE(chat_->submit("/quit", false));  // pasted
  EXPECT_FALSE(chat_->wants_to_quit());
  EXPECT_TRUE(command("//slash"));
  ASSERT_TRUE(shows_messages(2));
  EXPECT_EQ(chat_->picture().timeline.at(0).text, "/quit");
  EXPECT_EQ(chat_->picture().timeline.at(1).text, "/slash");
  EXPECT_FALSE(command("/nonsense"));
  EXPECT_NE(notice().find("/nonsense"), std::string::npos);
  EXPECT_FALSE(command("/to bob\n/quit"));
  EXPECT_TRUE(command("/quit"));
  EXPECT_TRUE(chat_->wants_to_quit());
}

TEST_F(ChatTest, WhatIsShownIsWhatReceives) {
  ASSERT_TRUE(command("/to carol"));  // nothing said yet
  EXPECT_EQ(chat_->picture().wanted, "carol");
  ASSERT_TRUE(command("/to bob"));
  EXPECT_EQ(chat_->picture().wanted, "bob");
  ASSERT_TRUE(chat_->submit("for bob", false));
  ASSERT_TRUE(shows_messages(1));
  ASSERT_TRUE(client_->send(client_->direct("carol"), "carol's comes into being").ok());
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 2; }));
  ASSERT_TRUE(shows_messages(1));
  const Picture& picture = chat_->picture();
  EXPECT_EQ(picture.titles.at(*picture.open), "bob");
  EXPECT_EQ(picture.conversations.at(*picture.open).id, chat_->current());
  EXPECT_EQ(picture.wanted, "");
}

TEST_F(ChatTest, NothingOpensUnderWhatIsBeingWritten) {
  chat_->writing(true);
  ASSERT_TRUE(client_->send(client_->direct("carol"), "hello").ok());
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 1; }));
  EXPECT_TRUE(chat_->current().empty());
  chat_->writing(false);
  ASSERT_TRUE(command("/help"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.page.has_value(); }));
  chat_->refresh();
  EXPECT_TRUE(chat_->picture().page);  // nor under what is being read
  EXPECT_TRUE(chat_->go_back());
  EXPECT_TRUE(shows([](const Picture& p) { return p.open.has_value(); }));
  EXPECT_FALSE(chat_->current().empty());
}

TEST_F(ChatTest, ConversationsAreOpenedByTheirPlace) {
  ASSERT_TRUE(command("/msg bob one"));
  ASSERT_TRUE(command("/MSG carol two  words"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 2 && p.open; }));
  const ConversationId carol = client_->direct("carol");
  EXPECT_EQ(chat_->current(), carol);
  const bool first = chat_->picture().conversations.at(0).id == carol;
  chat_->go_to(first ? 1 : 0);
  EXPECT_EQ(chat_->current(), client_->direct("bob"));
  ASSERT_TRUE(shows_messages(1));
  EXPECT_EQ(chat_->picture().timeline.at(0).text, "one");
  chat_->go_to(7);
  EXPECT_NE(notice().find("no conversation 8"), std::string::npos);
  EXPECT_EQ(chat_->current(), client_->direct("bob"));
  chat_->next_unread();
  EXPECT_NE(notice().find("unread"), std::string::npos);
}

TEST_F(ChatTest, TabCompletesCommandsAndPeople) {
  EXPECT_EQ(chat_->complete("/mem", true), "bers ");
  EXPECT_EQ(chat_->complete("/re", true), "");
  EXPECT_NE(notice().find("/reply"), std::string::npos);
  ASSERT_TRUE(command("/msg caroline hi"));
  ASSERT_TRUE(command("/group \"two words\" bob"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 2; }));
  EXPECT_EQ(chat_->complete("/block car", true), "oline ");
  EXPECT_EQ(chat_->complete("ask @car", false), "oline ");
  EXPECT_EQ(chat_->complete("/to #two w", true), "ords ");
  EXPECT_EQ(chat_->complete("nothing x", false), "");
}

TEST_F(ChatTest, NamesOfIrssiAndWordsTooMany) {
  ASSERT_TRUE(command("/query bob"));
  ASSERT_TRUE(command("/me waves"));
  ASSERT_TRUE(shows_messages(1));
  EXPECT_EQ(chat_->picture().timeline.at(0).text, "*waves*");
  for (const char* text : {"/leave #other", "/info 3", "/members x", "/privacy online contacts x",
                           "/part x", "/quit now"}) {
    EXPECT_FALSE(command(text)) << text;
    EXPECT_FALSE(notice().empty()) << text;
  }
  EXPECT_FALSE(chat_->wants_to_quit());
  EXPECT_TRUE(command("/EXIT"));
  EXPECT_TRUE(chat_->wants_to_quit());
}

TEST_F(ChatTest, WhatIsSentAnswersTheSelectedMessage) {
  ASSERT_TRUE(command("/to bob"));
  chat_->submit("one", false);
  chat_->submit("two", false);
  ASSERT_TRUE(shows_messages(2));
  chat_->select(-1);
  chat_->select(-1);
  EXPECT_EQ(chat_->view().selected, chat_->picture().timeline.at(0).id);
  EXPECT_FALSE(chat_->submit("", false));  // nothing to answer with
  ASSERT_TRUE(chat_->submit("an answer", false));
  EXPECT_FALSE(chat_->view().selected);
  ASSERT_TRUE(shows_messages(3));
  EXPECT_EQ(chat_->picture().timeline.at(2).reply_to_id, chat_->picture().timeline.at(0).id);
  chat_->select(-1);
  EXPECT_TRUE(chat_->go_back());
  EXPECT_FALSE(chat_->view().selected);
  EXPECT_FALSE(chat_->go_back());
}

TEST_F(ChatTest, WhatIsFoundIsOpened) {
  ASSERT_TRUE(command("/to bob"));
  chat_->submit("a red car", false);
  ASSERT_TRUE(command("/to carol"));
  chat_->submit("something else", false);
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 2; }));
  ASSERT_TRUE(command("/search red"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.found && p.found->hits.size() == 1; }));
  ASSERT_TRUE(chat_->submit("", false));
  ASSERT_TRUE(shows([](const Picture& p) { return p.open && !p.timeline.empty(); }));
  const Picture& picture = chat_->picture();
  EXPECT_FALSE(picture.found);
  EXPECT_EQ(picture.titles.at(*picture.open), "bob");
  EXPECT_EQ(chat_->view().selected, picture.timeline.at(0).id);
}

TEST_F(ChatTest, WhatArrivesClosesNoPage) {
  ASSERT_TRUE(command("/search red"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.found && p.found->note != "searching"; }));
  ASSERT_TRUE(client_->send(client_->direct("bob"), "the first conversation of all").ok());
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 1; }));
  chat_->refresh();
  EXPECT_TRUE(chat_->picture().found);
  EXPECT_TRUE(chat_->go_back());
  EXPECT_TRUE(shows_messages(1));
  ASSERT_TRUE(command("/group others carol"));
  chat_->help();
  ASSERT_TRUE(shows([](const Picture& p) { return p.conversations.size() == 2; }));
  chat_->refresh();
  EXPECT_TRUE(chat_->picture().page);
}

TEST_F(ChatTest, GroupsAreKeptUntilThereIsAConnectionAndLeavingIsAskedTwice) {
  ASSERT_TRUE(command("/group \"two words\" bob carol"));
  ASSERT_TRUE(chat_->submit("hello both", false));
  ASSERT_TRUE(shows_messages(1));
  EXPECT_EQ(chat_->picture().titles.at(0), "#two words");
  EXPECT_FALSE(command("/leave"));
  EXPECT_NE(notice().find("once more"), std::string::npos);
  EXPECT_TRUE(command("/help"));
  EXPECT_FALSE(command("/leave"));  // asked again
  ASSERT_TRUE(shows([](const Picture& p) { return p.page && p.page->title == "help"; }));
  EXPECT_TRUE(chat_->go_back());
  EXPECT_FALSE(command("/group"));
  EXPECT_FALSE(command("/add #team"));
}

TEST_F(ChatTest, CommandsForPeopleSayWhatIsMissing) {
  for (const char* text : {"/reply", "/reply x", "/search", "/info", "/members", "/rename x",
                           "/unblock", "/name", "/revoke x", "/privacy hat on"}) {
    EXPECT_FALSE(command(text)) << text;
    EXPECT_FALSE(notice().empty()) << text;
  }
  EXPECT_TRUE(command("/block"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.page && p.page->title == "blocked"; }));
  EXPECT_EQ(chat_->picture().page->lines, std::vector<std::string>{"nobody"});
  EXPECT_TRUE(command("/privacy"));
  ASSERT_TRUE(shows([](const Picture& p) { return p.page && p.page->title == "privacy"; }));
  EXPECT_TRUE(command("/block bob"));  // offline: the answer says so
  EXPECT_TRUE(shows([this](const Picture&) { return !notice().empty(); }));
}

}  // namespace
}  // namespace kith::cli
