// The code of docs/client_guide.md and docs/server_guide.md, one function a step, on the public
// headers alone. tests/integration/guide_test.cc runs every one of them against a real server.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kith/client/client.h"
#include "kith/server/server.h"

namespace guide {

namespace kc = kith::client;
namespace ks = kith::server;

// --- parts that an application has anyway ---

class BackEnd {
 public:
  virtual ~BackEnd() = default;
  // Fetches a page of the application's own back end; answers from any thread.
  virtual void fetch(const std::string& path,
                     std::function<void(int status, std::string body)> done) = 0;
};

class Screen {
 public:
  virtual ~Screen() = default;
  virtual void connection(kc::ConnectionState state, const std::string& reason) = 0;
  virtual void notify(const kc::Message& message) = 0;
  virtual void typing(const kith::UserId& user, bool on) = 0;
  virtual void presence(const kith::UserId& user, kc::Presence presence, kith::Timestamp seen) = 0;
  virtual void conversations(const std::vector<kc::Conversation>& rows) = 0;
  virtual void timeline(const std::vector<kc::Message>& rows) = 0;
  virtual void settings(const kc::Privacy& privacy, const std::vector<kith::UserId>& blocked) = 0;
  virtual void say(const std::string& sentence) = 0;
};

// --- opening: open.cc ---
kc::TokenProvider token_from(BackEnd& back_end);
kith::Result<std::unique_ptr<kc::Client>> open_account(const std::string& url,
                                                       const std::string& handle,
                                                       const std::string& data_dir,
                                                       kc::TokenProvider token);
kith::Result<std::string> account_token(const kc::ClientOptions& options,
                                        const std::string& password);
std::vector<std::unique_ptr<kc::Client>> open_all(const std::vector<std::string>& handles,
                                                  kc::ClientOptions options);
kith::Result<std::unique_ptr<kc::Client>> open_or_say_why(const kc::ClientOptions& options,
                                                          Screen& screen);

// --- seeing: watch.cc ---
std::unique_ptr<kc::Subscription> watch_events(kc::Client& client, Screen& screen);

// [guide_apply]
// Brings a list on the screen up to date.
template <class T>
void apply(const std::vector<kc::Diff<T>>& steps, std::vector<T>& shown) {
  using Kind = typename kc::Diff<T>::Kind;
  for (const kc::Diff<T>& step : steps) {
    const auto at = [&](std::size_t i) { return shown.begin() + static_cast<std::ptrdiff_t>(i); };
    switch (step.kind) {
      case Kind::kReset:
        shown = step.items;
        break;
      case Kind::kInsert:
        shown.insert(at(step.index), step.items.front());
        break;
      case Kind::kUpdate:
        shown[step.index] = step.items.front();
        break;
      case Kind::kRemove:
        shown.erase(at(step.index));
        break;
      case Kind::kMove: {
        const T moved = shown[step.from];
        shown.erase(at(step.from));
        shown.insert(at(step.index), moved);
        break;
      }
    }
  }
}
// [/guide_apply]

// [guide_views]
// The two lists of a messenger: all conversations, and the messages of the open one.
class Lists {
 public:
  Lists(kc::Client& client, Screen& screen) : client_(client), screen_(screen) {
    list_ = client_.observe_conversations([this](const kc::Client::ConversationDiffs& steps) {
      apply(steps, conversations_);
      screen_.conversations(conversations_);
    });
  }
  void open(const kith::ConversationId& conversation) {
    timeline_.reset();  // first, so that no step of the old one comes after the new reset
    timeline_ = client_.observe_timeline(conversation, 50, [this](const auto& steps) {
      apply(steps, messages_);
      screen_.timeline(messages_);
    });
  }

 private:
  kc::Client& client_;
  Screen& screen_;
  std::vector<kc::Conversation> conversations_;
  std::vector<kc::Message> messages_;
  // Last, so that they end first: no callback meets a list that is gone.
  std::unique_ptr<kc::Subscription> list_, timeline_;
};
// [/guide_views]

// [guide_executor]
// Runs callbacks on the application's main loop instead of a thread of Kith's.
class MainLoop : public kith::Executor {
 public:
  void post(std::function<void()> task) override {  // any thread
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_.notify_one();  // a real loop: PostMessage, g_idle_add, QMetaObject::invokeMethod …
  }
  void run_one() {  // the main thread
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !tasks_.empty(); });
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};
// [/guide_executor]

// --- messages: messages.cc ---
kith::Result<kith::MessageId> greet(kc::Client& client, const std::string& handle);
kith::Result<kith::MessageId> answer(kc::Client& client, const kc::Message& message,
                                     const std::string& text);
std::string ticks(const kc::Message& message);
kith::Status after_failure(kc::Client& client, const kc::Message& message, bool try_again);
void load_older(kc::Client& client, const kith::ConversationId& conversation,
                const std::vector<kc::Message>& shown,
                std::function<void(std::vector<kc::Message>)> done);
std::string emphasised(const kc::SearchHit& hit);
void show_hits(kc::Client& client, kc::SearchQuery query, Screen& screen);
void open_hit(kc::Client& client, const kc::SearchHit& hit,
              kc::Done<std::vector<kc::Message>> done);
void shown_to_the_person(kc::Client& client, const kc::Conversation& conversation);
void key_pressed(kc::Client& client, const kith::ConversationId& conversation, bool box_is_empty);

// --- people and groups: people.cc ---
void find_person(kc::Client& client, const std::string& handle, Screen& screen);
void watch_people(kc::Client& client, const std::vector<kc::Conversation>& conversations);
void hide_from_strangers(kc::Client& client, kc::Done<void> done);
void block(kc::Client& client, const kith::UserId& user, kc::Done<void> done);
void call_me(kc::Client& client, const std::string& name, kc::Done<void> done);
void show_devices(kc::Client& client, Screen& screen);
void lost_all_but_this(kc::Client& client, kc::Done<void> done);
void change_password(kc::Client& client, const std::string& old_password,
                     const std::string& new_password,
                     const std::function<void(const kc::Token&)>& keep, Screen& screen);
void show_readers(kc::Client& client, const kc::Message& message, Screen& screen);
kith::Result<kith::ConversationId> plan_a_trip(kc::Client& client,
                                               const std::vector<kith::UserId>& friends);
void hand_over_and_leave(kc::Client& client, const kith::ConversationId& group,
                         const kith::UserId& heir, kc::Done<void> done);

// --- errors: errors.cc ---
std::string advice(const kith::Error& error);

// --- the server: server.cc ---
class Sessions {  // of the host: the users signed in to the application
 public:
  virtual ~Sessions() = default;
  // Returns the user's handle and the session's begin; nothing for an unknown cookie.
  virtual std::optional<ks::Identity> find(std::string_view cookie) const = 0;
};
std::shared_ptr<ks::Authenticator> host_sessions(std::shared_ptr<const Sessions> sessions);
kith::Result<std::unique_ptr<ks::Server>> start_messenger(
    const std::string& data_dir, std::shared_ptr<ks::Authenticator> authenticator);
std::string token_for(const std::string& secret, const std::string& handle);
kith::Status ban(ks::Server& server, const std::string& handle);
kith::Status change_secret(ks::Server& server, ks::ServerOptions options, const std::string& fresh,
                           const std::string& earlier);
kith::Status forget(ks::Server& server, const std::string& handle);
void shut_down(ks::Server& server);
std::string health(const ks::Server& server);

}  // namespace guide
