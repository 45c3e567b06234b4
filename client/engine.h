// Engine: one account on this device, without any I/O of its own. Client (client.cc) gives it
// sockets, a loop and SQLite; the simulation gives it virtual ones. Everything runs on the
// Scheduler given; no call waits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/cache_store.h"
#include "client/connection.h"
#include "client/model.h"
#include "client/outbox.h"
#include "client/reporting_store.h"
#include "client/sync_engine.h"
#include "client/transport.h"
#include "kith/client/client.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/uuid.h"

namespace kith::v1 {
class MemberChange;
class SearchPage;
class UserState;
}  // namespace kith::v1

namespace kith::client {

enum class MemberChangeOf : std::uint8_t {
  kAdd = 1,
  kRemove = 2,
  kLeave = 3,
  kSetRole = 4
};  // as on the wire

struct EngineOptions {
  Endpoint endpoint;
  std::string handle;
  std::string agent = "kith-cpp";
  TokenProvider token;
  bool acknowledge_by_hand = false;
};

class Engine : public ConnectionListener {
 public:
  // `emit` is called after each change, never inside a call that reads; it must not call the engine
  // back. All references must outlive the engine. Fails with what the store fails with.
  static Result<std::unique_ptr<Engine>> make(EngineOptions options, Scheduler& scheduler,
                                              Random& random, TransportFactory& transports,
                                              CacheStore& store, std::function<void(Event)> emit);
  ~Engine() override;

  void connect() { connection_->start(); }
  void disconnect() { connection_->stop(); }
  void network_changed() { connection_->network_changed(); }
  void foreground() { connection_->set_background(false); }
  void background() { connection_->set_background(true); }

  [[nodiscard]] const UserId& self() const { return model_.self(); }
  [[nodiscard]] ConnectionState connection() const { return connection_->status().state(); }
  [[nodiscard]] const Error& connection_error() const { return connection_->status().last_error(); }
  [[nodiscard]] bool outbox_idle() const { return outbox_->rows().idle(); }
  [[nodiscard]] std::uint64_t feed_cursor() override { return sync_->cursor(); }
  [[nodiscard]] std::string run_id() override { return run_id_; }
  [[nodiscard]] std::size_t held_bytes() const { return sync_->held_bytes(); }
  [[nodiscard]] const Model& model() const { return model_; }

  // See Client for all of these.
  Result<MessageId> send(const ConversationId& to, const std::string& text,
                         const MessageId& reply_to);
  Status resend(const MessageId& id) { return outbox_->resend(id); }
  Status discard(const MessageId& id) { return outbox_->discard(id); }
  void history(const ConversationId& id, Seq before, std::size_t limit,
               Done<std::vector<Message>> done);
  void search(const SearchQuery& query, Done<SearchPage> done);
  Status mark_read(const ConversationId& id, Seq upto);
  Status acknowledge(const ConversationId& id, Seq upto);
  [[nodiscard]] std::vector<Message> unacknowledged();
  void set_typing(const ConversationId& id, bool typing);
  [[nodiscard]] std::vector<Conversation> conversations(std::size_t limit);
  [[nodiscard]] std::vector<Message> timeline(const ConversationId& id, std::size_t window);
  ConversationId direct(const UserId& peer);
  ConversationId direct(const std::string& handle);
  Result<ConversationId> create_group(const std::string& title, const std::vector<UserId>& members);
  void change_members(const ConversationId& group, MemberChangeOf what,
                      const std::vector<UserId>& users, MemberRole role, Done<void> done);
  void rename(const ConversationId& group, const std::string& title, Done<void> done);
  void members(const ConversationId& group, Done<std::vector<Member>> done);
  void find_users(const std::vector<std::string>& handles, Done<std::vector<Profile>> done);
  [[nodiscard]] std::optional<Profile> profile(const UserId& user);
  void watch_presence(const std::vector<UserId>& users);
  [[nodiscard]] Privacy privacy() const { return privacy_; }
  [[nodiscard]] const std::vector<UserId>& contacts() const { return contacts_; }
  [[nodiscard]] const std::vector<UserId>& blocked() const { return blocked_; }
  void set_privacy(const Privacy& privacy, Done<void> done);
  void set_contact(const UserId& user, bool contact, Done<void> done);
  void set_blocked(const UserId& user, bool blocked, Done<void> done);
  void set_display_name(const std::string& name, Done<void> done);
  void readers(const ConversationId& id, Seq seq, Done<Readers> done);
  void devices(Done<std::vector<Device>> done);
  void revoke_device(const DeviceId& device, Done<void> done);
  void revoke_other_devices(Done<void> done);
  void change_password(const std::string& old_password, const std::string& new_password,
                       Done<Token> done);
  void delete_account(const std::string& password, Done<void> done);

 private:
  Engine(EngineOptions options, Scheduler& scheduler, Random& random, TransportFactory& transports,
         CacheStore& store, std::function<void(Event)> emit);
  Status load();

  void on_welcome(const v1::Welcome& welcome) override;
  void on_frame(const v1::ServerFrame& frame) override;
  void on_lost() override;
  Status on_other_history(std::int64_t kept_until_ms);
  Status keep_run_id();
  void load_run(CacheContent& content);
  void on_history_known();
  static bool kept_there(const StoredEvent& stored, std::int64_t kept_until_ms);
  Result<std::vector<OutboxRow>> lost_rows(std::int64_t kept_until_ms);
  Status send_lost_again(std::int64_t kept_until_ms);
  bool mend_answer(OutboxRow& row, const std::set<MessageId>& ahead, std::int64_t kept_until_ms);
  std::optional<OutboxRow> lost_row(const ConversationRecord& record, const StoredEvent& stored,
                                    std::int64_t from_ms);
  void on_state(ConnectionState state, const Error& reason) override;

  void told(Event event);
  void on_storage(const Status& failing);
  void imagine(const OutboxRow& row);
  Status on_user_state(const v1::UserState& state);
  void on_typing(const ConversationId& id, const UserId& user, bool typing, Millis ttl);
  struct Searching;
  Status search_here(Searching& search);
  void finish_search(Searching& search, const v1::SearchPage* answer);
  void index_older(Millis pause);
  void send_read_marks();
  void send_read_mark(const ConversationId& id);
  void members_page(const ConversationId& group, const std::string& token,
                    std::vector<Member> found, Done<std::vector<Member>> done);
  void want_profile(const UserId& user);
  void post_profiles(Millis wait = Millis(0));
  void fetch_profiles();
  void refresh_names();
  void simple_request(v1::ClientFrame& frame, Done<void> done);
  Status keep_settings(const Privacy& privacy, std::vector<UserId> contacts,
                       std::vector<UserId> blocked);

  EngineOptions options_;
  Scheduler& scheduler_;
  Random& random_;
  TransportFactory& transports_;
  ReportingStore store_;
  std::function<void(Event)> emit_;
  MessageId next_id();
  // The server's, as far as it is known.
  class ServersClock : public Clock {
   public:
    explicit ServersClock(Engine& engine) : engine_(engine) {}
    Timestamp wall() override;
    std::int64_t steady_ms() override;

   private:
    Engine& engine_;
  };
  ServersClock servers_clock_{*this};
  UuidGenerator ids_{servers_clock_, random_};
  Model model_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<SyncEngine> sync_;
  std::unique_ptr<Outbox> outbox_;

  ServerLimits limits_;  // of the last Welcome
  bool server_searches_ = false;
  Scheduler::TimerId index_timer_ = 0;
  Privacy privacy_;
  std::vector<UserId> contacts_, blocked_;
  struct Peer {
    UserId user;
    std::string handle;  // empty: not known
  };
  std::map<ConversationId, Peer> peers_;  // of 1:1 conversations that do not exist yet
  std::map<ConversationId, std::uint64_t> read_marks_;
  bool run_kept_ = false;        // in the cache and beside the outbox
  std::string run_id_;           // of the history that the cache holds
  std::string run_of_server_;    // Welcome.run_id of this session
  bool history_known_ = false;   // in this session: what is held is of the server's history
  std::uint64_t histories_ = 0;  // how many the server has had since this object began
  std::map<ConversationId, std::int64_t> typing_sent_;
  std::map<std::pair<ConversationId, UserId>, Scheduler::TimerId> typing_;
  std::set<UserId> watched_;
  std::set<UserId> profiles_wanted_;
  std::set<UserId> profiles_asked_;
  bool profiles_posted_ = false;
  std::optional<std::int64_t> names_fresh_ms_;  // steady clock
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::client
