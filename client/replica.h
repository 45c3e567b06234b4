// Replica: keeps the history on this device and that of the server the same, both ways: joins the cache, the
// connection, the sync, the outbox and the read marks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/cache_store.h"
#include "client/connect_numbers.h"
#include "client/connection.h"
#include "client/lost_messages.h"
#include "client/model.h"
#include "client/new_conversations.h"
#include "client/outbox.h"
#include "client/read_marks.h"
#include "client/reporting_store.h"
#include "client/server_limits.h"
#include "client/server_run.h"
#include "client/sync_engine.h"
#include "client/transport.h"
#include "kith/client/client.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::client {

class Replica : private ConnectionListener {
 public:
  struct Hooks {
    std::function<void(Event)> emit;
    std::function<Status(const v1::UserState&)> user_state;  // see FeedSync::Hooks
    std::function<void(const v1::Welcome&)> welcomed;
    std::function<void(const v1::ServerFrame&)> pushed;  // what is no history
    std::function<void()> lost;                          // the session is gone
  };
  // All references must outlive it.
  Replica(ConnectionOptions options, TokenProvider token, Scheduler& scheduler, Random& random,
          TransportFactory& transports, CacheStore& store, Hooks hooks);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  Status load(const CacheContent& content, bool acknowledge_by_hand);

  [[nodiscard]] Model& model() { return model_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] Connection& connection() { return connection_; }
  [[nodiscard]] SyncEngine& sync() { return sync_; }
  [[nodiscard]] Outbox& outbox() { return outbox_; }
  [[nodiscard]] ReadMarks& read_marks() { return read_marks_; }
  [[nodiscard]] NewConversations& new_conversations() { return new_conversations_; }
  [[nodiscard]] const ServerRun& run() const { return run_; }
  // Whether it is known in this session that what is held is of the server's history.
  [[nodiscard]] bool history_known() const { return history_known_; }
  [[nodiscard]] const ServerLimits& limits() const { return limits_; }  // of the last Welcome

 private:
  std::uint64_t feed_cursor() override { return sync_.cursor(); }
  std::string run_id() override { return run_.id(); }
  std::uint64_t next_connect_no() override { return numbers_.next(); }
  void on_welcome(const v1::Welcome& welcome) override;
  void on_frame(const v1::ServerFrame& frame) override;
  void on_lost() override;
  void on_state(ConnectionState state, const Error& reason) override;
  SyncEngine::Hooks sync_hooks();
  Status on_other_history(std::int64_t kept_until_ms);
  void on_history_known();
  void on_storage(const Status& failing);

  Scheduler& scheduler_;
  const Hooks hooks_;
  ReportingStore store_;
  Model model_;
  ConnectNumbers numbers_;
  Connection connection_;
  SyncEngine sync_;
  Outbox outbox_;
  ServerRun run_;
  LostMessages lost_;
  ReadMarks read_marks_;
  NewConversations new_conversations_;
  ServerLimits limits_;
  bool history_known_ = false;
  Guard guard_;
};

}  // namespace kith::client
