// ChatModel: the content of the screen, kept up to date by the client's views and events.
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
  std::string refused;               // why nothing was searched
};

// Something to read instead of the timeline: help, members, settings.
struct Page {
  std::uint64_t serial = 0;  // another one for each content
  std::string title;
  std::vector<std::string> lines;
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
  std::optional<Page> page;       // shown instead of both
  std::string wanted;   // with whom the first message makes a conversation; none is open then
  ConversationId made;  // a group that has just come into being
  std::string news;     // the answer to a command; empty: none since the last picture
};

// Day and minute, as the clock of this place shows them.
std::string short_time(Timestamp time);

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
  // So that the message at `seq` is in the timeline, if that holds as much. False: it does not.
  bool reach(const ConversationId& id, Seq seq);
  // Older messages of the open conversation too. False: the timeline holds as many as it can.
  bool open_further();
  void learn(const std::string& handle);
  [[nodiscard]] std::string name(const UserId& user);
  // The answer is in a picture a moment later.
  void search(const std::string& words);
  void show_page(std::string title, std::vector<std::string> lines);
  // Sets what the screen says next, from any thread.
  void set_news(std::string news);
  void set_made(const ConversationId& group);
  // Handles of people, and "#title" of groups, that the person may mean.
  [[nodiscard]] std::vector<std::string> known();
  // Why the server refused something, with the names of people.
  [[nodiscard]] std::string why_refused(const Error& error);
  // The command that the server has refused to make this group by, once: it is resent or discarded.
  std::optional<MessageId> take_refused(const ConversationId& group);
  // A page or the answer to a search goes. False: there was none.
  bool go_back();
  Picture picture();
  // Runs `then` with the answer on the client's thread, if this object is still there.
  template <class T>
  client::Done<T> back(std::function<void(Result<T>)> then) {
    return [link = link_, then = std::move(then)](Result<T> answer) {
      const std::lock_guard lock(link->mutex);
      if (link->model) then(std::move(answer));
    };
  }

 private:
  void observe_open();
  void on_event(const client::Event& event);
  void on_found(const std::string& words, const Result<client::SearchPage>& page);
  std::string presence_of(const UserId& user) const;

  client::Client& client_;
  std::function<void()> changed_;
  std::mutex mutex_;
  Names names_;
  Picture base_;  // without what picture() works out
  ConversationId open_;
  std::size_t window_ = 0;
  std::map<UserId, client::PresenceChanged> presence_;
  std::map<ConversationId, UserId> typing_;
  std::map<ConversationId, MessageId> refused_;
  // Answers may come after this object has ended: they find null then.
  struct Link {
    std::mutex mutex;
    ChatModel* model = nullptr;
  };
  std::shared_ptr<Link> link_ = std::make_shared<Link>();
  std::uint64_t pages_ = 0;
  std::unique_ptr<client::Subscription> events_;
  std::unique_ptr<client::Subscription> list_;
  std::unique_ptr<client::Subscription> messages_;
};

}  // namespace kith::cli
