// FeedSync: asks the server page by page what has changed since the cursor, or, after a reset, for everything anew.
//
// The cursor is committed with the states that it stands for; a state says how far a conversation
// goes, the ranges say what of it is held. So a crash at any point leaves a truthful picture.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "client/connection.h"
#include "client/model.h"
#include "src/timer.h"

namespace kith::v1 {
class SyncPage;
class SyncReset;
class UserState;
}  // namespace kith::v1

namespace kith::client {

class FeedSync {
 public:
  struct Hooks {
    // Whole, before the cursor that stands for it is committed; an error keeps the cursor back.
    std::function<Status(const v1::UserState&)> user_state;
    // The server has another history, and the held events of the old one go. `kept_until_ms`: server time
    // up to which the two are the same; 0: unknown.
    std::function<Status(std::int64_t kept_until_ms)> other_history;
    // The server goes on with the history that this device holds; before anything of the answer is kept.
    std::function<Status()> same_history;
    std::function<void(const ConversationId&)> changed;  // a page has its state
    std::function<void()> done;                          // the cursor is that of the server
  };

  FeedSync(Model& model, Connection& connection, Scheduler& scheduler, Hooks hooks);
  ~FeedSync();

  void load(std::uint64_t cursor) { cursor_ = cursor; }
  [[nodiscard]] std::uint64_t cursor() const { return cursor_; }

  void on_welcome();
  void on_lost();
  void soon(Millis delay);
  void now();
  // Something was pushed that is not kept: another sync follows the one that is under way.
  void ask_again() { again_ = true; }
  void now_if_asked_again();
  // A whole sync was done since the last Welcome, and none is under way.
  [[nodiscard]] bool done() const { return since_welcome_.done && !running_; }

 private:
  void ask_page(const std::string& page_token);
  void ask_page_later(const std::string& page_token, Millis wait);
  void go_on_later(std::function<void()> step, Millis wait);
  void name_large_heads(v1::ClientFrame& frame) const;
  void on_answer(const std::string& page_token, const v1::ServerFrame* answer, const Error& error);
  void on_reset(const v1::SyncReset& reset);
  void on_page(const v1::SyncPage& page);
  Status take_user_state(const v1::SyncPage& page);
  void finish_snapshot();
  void on_failed(const Error& error);

  Model& model_;
  Connection& connection_;
  Clock& clock_;
  const Hooks hooks_;
  std::uint64_t cursor_ = 0;
  bool running_ = false;
  bool again_ = false;
  struct SinceWelcome {
    bool done = false;  // a whole sync
    bool anew = false;  // the server has named another history
  } since_welcome_;
  struct Snapshot {
    std::uint64_t cursor = 0;
    std::set<ConversationId> listed;
  };
  std::optional<Snapshot> snapshot_;           // everything is listed anew
  std::unique_ptr<v1::UserState> user_state_;  // what the pages of this listing said of it so far
  std::set<ConversationId> large_;             // their heads go with every sync
  Timer start_;
  std::int64_t start_due_ms_ = 0;
  std::function<void()> step_;  // the listing goes on with it
  Timer step_timer_;
};

}  // namespace kith::client
