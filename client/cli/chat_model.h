// What the screen shows, kept up to date by the client's views and events.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/home.h"
#include "client/cli/names.h"
#include "kith/client/client.h"

namespace kith::cli {

// The answer to /search, newest first.
struct Found {
  std::string words;
  std::vector<client::SearchHit> hits;
  std::vector<std::string> titles;   // of the conversations of the hits
  std::vector<std::string> senders;  // of the hits
  std::string note;                  // what else there is to say
};

// A copy of everything that one picture needs.
struct Picture {
  std::string self;  // the handle that is signed in
  std::vector<client::Conversation> conversations;
  std::vector<std::string> titles;  // of the conversations
  std::optional<std::size_t> open;  // the open one
  std::vector<client::Message> timeline;
  std::vector<std::string> senders;  // of the messages
  client::ConnectionState connection = client::ConnectionState::kOffline;
  std::string connection_reason;  // empty: none
  std::string presence;           // of the other person in a 1:1
  std::string typing;             // "bob is typing"
  std::string storage;            // why this device cannot keep what arrives; empty: it can
  std::optional<Found> found;     // shown instead of the timeline
};

// Callbacks of the client write into it, the screen's thread reads pictures. `changed` is called
// from any thread after a change.
class ChatModel {
 public:
  ChatModel(client::Client& client, const Home& home, const std::string& handle,
            std::function<void()> changed);
  ~ChatModel();
  ChatModel(const ChatModel&) = delete;
  ChatModel& operator=(const ChatModel&) = delete;

  // The screen's thread only:
  void open(const ConversationId& id);
  // Older messages of the open conversation too. False: the timeline holds as many as it can.
  bool open_further();
  void learn(const std::string& handle);
  // The answer is in a picture a moment later.
  void search(const std::string& words);
  // False: there was none.
  bool forget_search();
  Picture picture();

 private:
  void observe_open();
  void on_event(const client::Event& event);
  void on_found(const std::string& words, const Result<client::SearchPage>& page);
  std::string presence_of(const UserId& user) const;

  client::Client& client_;
  std::function<void()> changed_;
  std::mutex mutex_;
  Names names_;
  std::vector<client::Conversation> conversations_;
  std::vector<client::Message> timeline_;
  const std::string self_;
  std::string storage_;
  ConversationId open_;
  std::size_t window_ = 0;
  client::ConnectionState connection_ = client::ConnectionState::kOffline;
  std::string connection_reason_;
  std::map<UserId, client::PresenceChanged> presence_;
  std::map<ConversationId, UserId> typing_;
  // Answers to a search may come after this object has ended: they find null then.
  struct Link {
    std::mutex mutex;
    ChatModel* model = nullptr;
  };
  std::shared_ptr<Link> link_ = std::make_shared<Link>();
  std::optional<Found> found_;
  std::unique_ptr<client::Subscription> events_;
  std::unique_ptr<client::Subscription> list_;
  std::unique_ptr<client::Subscription> messages_;
};

}  // namespace kith::cli
