// Client: each call of the public interface, to the part of the engine that answers it.
#include "kith/client/client.h"

#include <utility>

#include "client/loop_calls.h"
#include "client/runtime.h"
#include "client/transport/url.h"

namespace kith::client {
namespace {

class ClientUv : public Client {
 public:
  explicit ClientUv(const ClientOptions& options) : calls_(options) {}

  Status open(ClientOptions options, Endpoint endpoint) {
    self_ = UserId::of(options.handle);
    return calls_.open(std::move(options), std::move(endpoint));
  }

  void connect() override {
    calls_.run([](Engine& e) { e.connection().start(); });
  }
  void disconnect() override {
    calls_.run([](Engine& e) { e.connection().stop(); });
  }
  void close() override { calls_.close(); }
  void network_changed() override {
    calls_.run([](Engine& e) { e.connection().network_changed(); });
  }
  void foreground() override {
    calls_.run([](Engine& e) { e.connection().set_background(false); });
  }
  void background() override {
    calls_.run([](Engine& e) { e.connection().set_background(true); });
  }

  UserId self() const override { return self_; }
  ConnectionState connection() const override { return calls_.state().connection(); }
  Status wait_online(std::chrono::milliseconds limit) override {
    return calls_.state().wait_online(limit);
  }
  Status wait_sent(std::chrono::milliseconds limit) override {
    // The outbox as it is now, not as it was at the last event.
    Status asked = calls_.call<void>([this](Engine& e) {
      calls_.state().set_outbox_idle(e.outbox().idle());
      return Status();
    });
    return asked ? calls_.state().wait_sent(limit) : asked;
  }

  std::unique_ptr<Subscription> on_event(std::function<void(const Event&)> callback) override {
    return calls_.subscribe(std::move(callback), [](LoopSide& side, auto id, auto sink) {
      side.add_event_sink(id, sink);
    });
  }
  std::unique_ptr<Subscription> observe_conversations(
      std::function<void(const ConversationDiffs&)> callback) override {
    return calls_.subscribe(std::move(callback), [](LoopSide& side, auto id, auto sink) {
      side.views().add_list(id, sink);
    });
  }
  std::unique_ptr<Subscription> observe_timeline(
      const ConversationId& conversation, std::size_t window,
      std::function<void(const TimelineDiffs&)> callback) override {
    return calls_.subscribe(std::move(callback), [&](LoopSide& side, auto id, auto sink) {
      side.views().add_timeline(id, conversation, window, sink);
    });
  }

  Result<MessageId> send(const ConversationId& to, const std::string& text,
                         const MessageId& reply_to) override {
    return calls_.call<MessageId>([&](Engine& e) { return e.outgoing().send(to, text, reply_to); });
  }
  Status resend(const MessageId& id) override {
    return calls_.call<void>([&](Engine& e) { return e.outgoing().resend(id); });
  }
  Status discard(const MessageId& id) override {
    return calls_.on_loop<void>([&](LoopSide& side) {
      Status done = side.engine()->outgoing().discard(id);
      // A conversation of which nothing is left has gone without an event.
      if (done) side.views().touch_all();
      return done;
    });
  }
  void history(const ConversationId& conversation, Seq before, std::size_t limit,
               Done<std::vector<Message>> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.history().page(conversation, before, limit, std::move(reply));
    });
  }
  void search(const SearchQuery& query, Done<SearchPage> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.searches().search(query, std::move(reply)); });
  }
  Status mark_read(const ConversationId& conversation, Seq upto) override {
    return calls_.call<void>([&](Engine& e) { return e.read_marks().mark(conversation, upto); });
  }
  Status acknowledge(const ConversationId& id, Seq upto) override {
    return calls_.call<void>([&](Engine& e) { return e.history().acknowledge(id, upto); });
  }
  std::vector<Message> unacknowledged() override {
    return calls_.read<std::vector<Message>>(
        [](Engine& e) { return e.history().unacknowledged(); });
  }
  void set_typing(const ConversationId& conversation, bool typing) override {
    calls_.run([&](Engine& e) { e.people().set_typing(conversation, typing); });
  }
  void readers(const ConversationId& conversation, Seq seq, Done<Readers> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.history().readers(conversation, seq, std::move(reply));
    });
  }

  std::vector<Conversation> conversations(std::size_t limit) override {
    return calls_.read<std::vector<Conversation>>(
        [&](Engine& e) { return e.history().conversations(limit); });
  }
  ConversationId direct(const std::string& handle) override {
    return calls_.read<ConversationId>([&](Engine& e) { return e.outgoing().direct(handle); },
                                       ConversationId::direct(self_, UserId::of(handle)));
  }
  Result<ConversationId> create_group(const std::string& title,
                                      const std::vector<UserId>& members) override {
    return calls_.call<ConversationId>(
        [&](Engine& e) { return e.outgoing().create_group(title, members); });
  }
  void add_members(const ConversationId& group, const std::vector<UserId>& users,
                   Done<void> done) override {
    change(group, MemberChangeOf::kAdd, users, MemberRole::kMember, std::move(done));
  }
  void remove_members(const ConversationId& group, const std::vector<UserId>& users,
                      Done<void> done) override {
    change(group, MemberChangeOf::kRemove, users, MemberRole::kNone, std::move(done));
  }
  void leave(const ConversationId& group, Done<void> done) override {
    change(group, MemberChangeOf::kLeave, {}, MemberRole::kNone, std::move(done));
  }
  void set_role(const ConversationId& group, const UserId& user, MemberRole role,
                Done<void> done) override {
    change(group, MemberChangeOf::kSetRole, {user}, role, std::move(done));
  }
  void rename(const ConversationId& group, const std::string& title, Done<void> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.groups().rename(group, title, std::move(reply)); });
  }
  void members(const ConversationId& group, Done<std::vector<Member>> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.groups().members(group, std::move(reply)); });
  }

  void find_users(const std::vector<std::string>& handles,
                  Done<std::vector<Profile>> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.profiles().find_users(handles, std::move(reply)); });
  }
  std::optional<Profile> profile(const UserId& user) override {
    return calls_.read<std::optional<Profile>>([&](Engine& e) { return e.profiles().find(user); });
  }
  void watch_presence(const std::vector<UserId>& users) override {
    calls_.run([&](Engine& e) { e.people().watch(users); });
  }
  Privacy privacy() override {
    return calls_.read<Privacy>([](Engine& e) { return e.settings().privacy(); });
  }
  std::vector<UserId> contacts() override {
    return calls_.read<std::vector<UserId>>([](Engine& e) { return e.settings().contacts(); });
  }
  std::vector<UserId> blocked() override {
    return calls_.read<std::vector<UserId>>([](Engine& e) { return e.settings().blocked(); });
  }
  void set_privacy(const Privacy& privacy, Done<void> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.settings().set_privacy(privacy, std::move(reply)); });
  }
  void set_contact(const UserId& user, bool contact, Done<void> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.settings().set_contact(user, contact, std::move(reply));
    });
  }
  void set_blocked(const UserId& user, bool blocked, Done<void> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.settings().set_blocked(user, blocked, std::move(reply));
    });
  }

  void set_display_name(const std::string& name, Done<void> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.settings().set_display_name(name, std::move(reply));
    });
  }
  void devices(Done<std::vector<Device>> done) override {
    calls_.ask(std::move(done),
               [](Engine& e, auto reply) { e.account().devices(std::move(reply)); });
  }
  void revoke_device(const DeviceId& device, Done<void> done) override {
    calls_.ask(std::move(done),
               [=](Engine& e, auto reply) { e.account().revoke_device(device, std::move(reply)); });
  }
  void revoke_other_devices(Done<void> done) override {
    calls_.ask(std::move(done),
               [](Engine& e, auto reply) { e.account().revoke_other_devices(std::move(reply)); });
  }
  void change_password(const std::string& old_password, const std::string& new_password,
                       Done<Token> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.account().change_password(old_password, new_password, std::move(reply));
    });
  }
  void delete_account(const std::string& password, Done<void> done) override {
    calls_.ask(std::move(done), [=](Engine& e, auto reply) {
      e.account().delete_account(password, std::move(reply));
    });
  }

 private:
  void change(const ConversationId& group, MemberChangeOf what, std::vector<UserId> users,
              MemberRole role, Done<void> done) {
    calls_.ask(std::move(done), [=, users = std::move(users)](Engine& e, auto reply) {
      e.groups().change_members(group, what, users, role, std::move(reply));
    });
  }

  LoopCalls calls_;
  UserId self_;
};

}  // namespace

std::shared_ptr<Runtime> Runtime::make() {
  return std::make_shared<RuntimeUv>();
}

TokenProvider fixed_token(std::string token) {
  return [token = std::move(token)](const std::function<void(Result<std::string>)>& done) {
    done(token);
  };
}

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  auto endpoint = endpoint_of(options);
  if (!endpoint) return endpoint.error();
  if (auto url = parse_server_url(options.url); !url) {
    return make_error(ErrorCode::kInvalidArgument, "url: " + url.error().message);
  }
  auto client = std::make_unique<ClientUv>(options);
  if (Status s = client->open(std::move(options), std::move(*endpoint)); !s) return s.error();
  return std::unique_ptr<Client>(std::move(client));
}

}  // namespace kith::client
