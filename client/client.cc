// Client: gives an Engine its loop, sockets, files and threads, and brings calls and callbacks
// across.
#include "kith/client/client.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

#include "client/cache_store_sqlite.h"
#include "client/callbacks.h"
#include "client/engine.h"
#include "client/runtime.h"
#include "client/transport/url.h"
#include "client/views.h"

namespace kith::client {
namespace {

Error closed_error() {
  return make_error(ErrorCode::kClosed, "the client was closed");
}

// What subscriptions, token answers and pending requests may still reach after the client is gone.
struct Hub {
  explicit Hub(std::shared_ptr<Executor> on) : executor(std::move(on)) {}

  // Runs `task` on the loop unless the client is closed; never waits for it.
  bool post(std::function<void()> task) {
    const std::lock_guard lock(mutex);
    if (!loop) return false;
    loop->post(std::move(task));
    return true;
  }

  // The same for a request, which close() cancels from then on: in one step, because a close in
  // between would cancel a request that is then refused too.
  bool post_request(std::uint64_t id, std::function<void()> cancel, std::function<void()> task) {
    const std::lock_guard lock(mutex);
    if (!loop) return false;
    pending[id] = std::move(cancel);
    loop->post(std::move(task));
    return true;
  }
  std::uint64_t new_id() {
    const std::lock_guard lock(mutex);
    return next_id++;
  }

  // The answer to a request, unless it has been cancelled.
  void answer(std::uint64_t id, const std::function<void()>& call) {
    {
      const std::lock_guard lock(mutex);
      if (pending.erase(id) == 0) return;
      ++answering;
    }
    {
      const InCallback here;
      call();
    }
    const std::lock_guard lock(mutex);
    --answering;
    changed.notify_all();
  }

  std::mutex mutex;
  LoopUv* loop = nullptr;  // null once closed
  const std::shared_ptr<Executor> executor;
  std::map<std::uint64_t, std::shared_ptr<CallbackSlot>> slots;
  std::map<std::uint64_t, std::function<void()>> pending;  // each cancels one request
  std::uint64_t next_id = 1;
  int answering = 0;  // answers to requests that run in the application right now
  bool ended = true;  // no close() is under way

  // What wait_online() and wait_sent() wait for.
  std::condition_variable changed;
  ConnectionState state = ConnectionState::kOffline;
  Error reason{ErrorCode::kCancelled, ""};
  bool outbox_idle = true;
};

// The part that lives on the loop.
struct OnLoop {
  std::unique_ptr<CacheStore> store;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Views> views;
  std::map<std::uint64_t, std::function<void(const Event&)>> event_sinks;
  std::vector<Event> early;  // one of a kind; told before anybody could subscribe: for the first
};

class HubSubscription : public Subscription {
 public:
  HubSubscription(std::weak_ptr<Hub> hub, std::weak_ptr<OnLoop> on_loop, std::uint64_t id,
                  std::shared_ptr<CallbackSlot> slot)
      : hub_(std::move(hub)), on_loop_(std::move(on_loop)), id_(id), slot_(std::move(slot)) {}
  ~HubSubscription() override {
    slot_->end();
    const auto hub = hub_.lock();
    if (!hub) return;
    hub->post([on_loop = on_loop_, id = id_] {
      if (const auto there = on_loop.lock()) {
        there->event_sinks.erase(id);
        if (there->views) there->views->remove(id);
      }
    });
    const std::lock_guard lock(hub->mutex);
    hub->slots.erase(id_);
  }

 private:
  std::weak_ptr<Hub> hub_;
  std::weak_ptr<OnLoop> on_loop_;
  std::uint64_t id_;
  std::shared_ptr<CallbackSlot> slot_;
};

class ClientUv : public Client {
 public:
  explicit ClientUv(const ClientOptions& options)
      : runtime_(runtime_of(options)),
        own_executor_(options.executor ? nullptr : ThreadExecutor::make()),
        hub_(std::make_shared<Hub>(options.executor ? options.executor : own_executor_)),
        on_loop_(std::make_shared<OnLoop>()) {}
  ~ClientUv() override { close(); }

  Status start(ClientOptions options, Endpoint endpoint) {
    auto store = open_cache_store_sqlite(options.cache_dir);
    if (!store) return store.error();
    on_loop_->store = std::move(*store);
    Status result;
    runtime_->loop.run_sync([&] {
      auto engine =
          Engine::make({std::move(endpoint), options.handle, options.agent,
                        on_executor(std::move(options.token)), options.acknowledge_by_hand},
                       runtime_->loop, system_random(), *runtime_->transports, *on_loop_->store,
                       [this](Event event) { tell(std::move(event)); });
      if (!engine) {
        result = engine.error();
        return;
      }
      on_loop_->engine = std::move(*engine);
      on_loop_->views = std::make_unique<Views>(on_loop_->engine->history(), runtime_->loop);
      self_ = on_loop_->engine->model().self();
      hub_->outbox_idle = on_loop_->engine->outbox().idle();
    });
    if (!result) return result;
    const std::lock_guard lock(hub_->mutex);
    hub_->loop = &runtime_->loop;
    return {};
  }

  void close() override;

  void connect() override {
    (void)call<void>([](Engine& e) { return e.connection().start(), Status(); });
  }
  void disconnect() override {
    (void)call<void>([](Engine& e) { return e.connection().stop(), Status(); });
  }
  void network_changed() override {
    (void)call<void>([](Engine& e) { return e.connection().network_changed(), Status(); });
  }
  void foreground() override {
    (void)call<void>([](Engine& e) { return e.connection().set_background(false), Status(); });
  }
  void background() override {
    (void)call<void>([](Engine& e) { return e.connection().set_background(true), Status(); });
  }

  UserId self() const override { return self_; }
  ConnectionState connection() const override {
    const std::lock_guard lock(hub_->mutex);
    return hub_->state;
  }
  Status wait_online(std::chrono::milliseconds limit) override;
  Status wait_sent(std::chrono::milliseconds limit) override;

  std::unique_ptr<Subscription> on_event(std::function<void(const Event&)> callback) override;
  std::unique_ptr<Subscription> observe_conversations(
      std::function<void(const ConversationDiffs&)> callback) override {
    return subscribe([&](std::uint64_t id, const std::shared_ptr<CallbackSlot>& slot) {
      on_loop_->views->add_list(id, sink<ConversationDiffs>(slot, std::move(callback)));
    });
  }
  std::unique_ptr<Subscription> observe_timeline(
      const ConversationId& conversation, std::size_t window,
      std::function<void(const TimelineDiffs&)> callback) override {
    return subscribe([&](std::uint64_t id, const std::shared_ptr<CallbackSlot>& slot) {
      on_loop_->views->add_timeline(id, conversation, window,
                                    sink<TimelineDiffs>(slot, std::move(callback)));
    });
  }

  Result<MessageId> send(const ConversationId& to, const std::string& text,
                         const MessageId& reply_to) override {
    return call<MessageId>([&](Engine& e) { return e.outgoing().send(to, text, reply_to); });
  }
  Status resend(const MessageId& id) override {
    return call<void>([&](Engine& e) { return e.outgoing().resend(id); });
  }
  Status discard(const MessageId& id) override {
    return call<void>([&](Engine& e) {
      Status done = e.outgoing().discard(id);
      // A conversation of which nothing is left has gone without an event.
      if (done) on_loop_->views->touch_all();
      return done;
    });
  }
  void history(const ConversationId& conversation, Seq before, std::size_t limit,
               Done<std::vector<Message>> done) override {
    ask(std::move(done), [=](Engine& e, auto reply) {
      e.history().page(conversation, before, limit, std::move(reply));
    });
  }
  void search(const SearchQuery& query, Done<SearchPage> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.searches().search(query, std::move(reply)); });
  }
  Status mark_read(const ConversationId& conversation, Seq upto) override {
    return call<void>([&](Engine& e) { return e.read_marks().mark(conversation, upto); });
  }
  Status acknowledge(const ConversationId& id, Seq upto) override {
    return call<void>([&](Engine& e) { return e.history().acknowledge(id, upto); });
  }
  std::vector<Message> unacknowledged() override {
    return call<std::vector<Message>>(
               [](Engine& e) { return Result<std::vector<Message>>(e.history().unacknowledged()); })
        .value_or({});
  }
  void set_typing(const ConversationId& conversation, bool typing) override {
    (void)call<void>(
        [&](Engine& e) { return e.people().set_typing(conversation, typing), Status(); });
  }

  std::vector<Conversation> conversations(std::size_t limit) override {
    return call<std::vector<Conversation>>([&](Engine& e) {
             return Result<std::vector<Conversation>>(e.history().conversations(limit));
           })
        .value_or({});
  }
  ConversationId direct(const std::string& handle) override {
    return call<ConversationId>(
               [&](Engine& e) { return Result<ConversationId>(e.outgoing().direct(handle)); })
        .value_or(ConversationId::direct(self_, UserId::of(handle)));
  }
  Result<ConversationId> create_group(const std::string& title,
                                      const std::vector<UserId>& members) override {
    return call<ConversationId>(
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
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.groups().rename(group, title, std::move(reply)); });
  }
  void members(const ConversationId& group, Done<std::vector<Member>> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.groups().members(group, std::move(reply)); });
  }

  void find_users(const std::vector<std::string>& handles,
                  Done<std::vector<Profile>> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.profiles().find_users(handles, std::move(reply)); });
  }
  std::optional<Profile> profile(const UserId& user) override {
    const auto found = call<std::optional<Profile>>(
        [&](Engine& e) { return Result<std::optional<Profile>>(e.profiles().find(user)); });
    return found ? *found : std::nullopt;
  }
  void watch_presence(const std::vector<UserId>& users) override {
    (void)call<void>([&](Engine& e) { return e.people().watch(users), Status(); });
  }
  Privacy privacy() override {
    return call<Privacy>([](Engine& e) { return Result<Privacy>(e.settings().privacy()); })
        .value_or({});
  }
  std::vector<UserId> contacts() override {
    return call<std::vector<UserId>>(
               [](Engine& e) { return Result<std::vector<UserId>>(e.settings().contacts()); })
        .value_or({});
  }
  std::vector<UserId> blocked() override {
    return call<std::vector<UserId>>(
               [](Engine& e) { return Result<std::vector<UserId>>(e.settings().blocked()); })
        .value_or({});
  }
  void set_privacy(const Privacy& privacy, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.settings().set_privacy(privacy, std::move(reply)); });
  }
  void set_display_name(const std::string& name, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.settings().set_display_name(name, std::move(reply)); });
  }
  void readers(const ConversationId& conversation, Seq seq, Done<Readers> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.history().readers(conversation, seq, std::move(reply)); });
  }
  void devices(Done<std::vector<Device>> done) override {
    ask(std::move(done), [](Engine& e, auto reply) { e.account().devices(std::move(reply)); });
  }
  void revoke_device(const DeviceId& device, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.account().revoke_device(device, std::move(reply)); });
  }
  void revoke_other_devices(Done<void> done) override {
    ask(std::move(done),
        [](Engine& e, auto reply) { e.account().revoke_other_devices(std::move(reply)); });
  }
  void change_password(const std::string& old_password, const std::string& new_password,
                       Done<Token> done) override {
    ask(std::move(done), [=](Engine& e, auto reply) {
      e.account().change_password(old_password, new_password, std::move(reply));
    });
  }
  void delete_account(const std::string& password, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.account().delete_account(password, std::move(reply)); });
  }
  void set_contact(const UserId& user, bool contact, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.settings().set_contact(user, contact, std::move(reply)); });
  }
  void set_blocked(const UserId& user, bool blocked, Done<void> done) override {
    ask(std::move(done),
        [=](Engine& e, auto reply) { e.settings().set_blocked(user, blocked, std::move(reply)); });
  }

 private:
  // Runs on the loop and waits for it: what it commits is durable when this returns.
  template <class T, class F>
  Result<T> call(F f) {
    std::optional<Result<T>> result;
    runtime_->loop.run_sync([&] {
      if (on_loop_->engine) result = f(*on_loop_->engine);
    });
    return result ? std::move(*result) : Result<T>(closed_error());
  }

  void change(const ConversationId& group, MemberChangeOf what, std::vector<UserId> users,
              MemberRole role, Done<void> done) {
    ask(std::move(done), [=, users = std::move(users)](Engine& e, auto reply) {
      e.groups().change_members(group, what, users, role, std::move(reply));
    });
  }

  // Starts something whose answer comes once, on the executor, also if the client is closed first.
  template <class T, class F>
  void ask(Done<T> done, F start) {
    const std::uint64_t id = hub_->new_id();
    Done<T> reply = [hub = std::weak_ptr<Hub>(hub_), id, done](Result<T> result) {
      const auto there = hub.lock();
      if (!there) return;
      {
        const std::lock_guard lock(there->mutex);
        if (there->pending.count(id) == 0) return;  // cancelled
      }
      there->executor->post([hub, id, done, result = std::move(result)] {
        if (const auto still = hub.lock()) {
          still->answer(id, [&] { done(result); });
        }
      });
    };
    const bool posted = hub_->post_request(
        id, [done] { done(make_error(ErrorCode::kCancelled, "the client was closed")); },
        [on_loop = std::weak_ptr<OnLoop>(on_loop_), start, reply] {
          const auto there = on_loop.lock();
          if (there && there->engine) start(*there->engine, reply);
        });
    if (!posted) {
      hub_->executor->post([done] {
        const InCallback here;
        done(closed_error());
      });
    }
  }

  template <class Diffs>
  std::function<void(Diffs)> sink(std::shared_ptr<CallbackSlot> slot,
                                  std::function<void(const Diffs&)> callback) {
    return [executor = hub_->executor, slot = std::move(slot),
            callback = std::make_shared<std::function<void(const Diffs&)>>(std::move(callback))](
               Diffs diffs) {
      executor->post(
          [slot, callback, diffs = std::move(diffs)] { slot->run([&] { (*callback)(diffs); }); });
    };
  }

  template <class Add>
  std::unique_ptr<Subscription> subscribe(Add add) {
    auto slot = std::make_shared<CallbackSlot>();
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(hub_->mutex);
      id = hub_->next_id++;
      if (!hub_->loop) slot->end();  // closed: a callback that is on its way already is not made
      hub_->slots[id] = slot;
    }
    runtime_->loop.run_sync([&] {
      if (on_loop_->engine) add(id, slot);
    });
    return std::make_unique<HubSubscription>(hub_, on_loop_, id, slot);
  }

  // The application's token provider runs on its executor, and its answer is dropped once the
  // client is closed.
  TokenProvider on_executor(TokenProvider token) {
    if (!token) return nullptr;
    return [hub = std::weak_ptr<Hub>(hub_),
            token = std::move(token)](std::function<void(Result<std::string>)> done) {
      const auto there = hub.lock();
      if (!there) return;
      there->executor->post([hub, token, done = std::move(done)] {
        token([hub, done](Result<std::string> result) {
          const auto still = hub.lock();
          if (still) still->post([done, result = std::move(result)] { done(result); });
        });
      });
    };
  }

  void tell(Event event);
  void refresh_idle();
  void cancel(std::map<std::uint64_t, std::function<void()>> pending);
  static void cancel_here(const std::map<std::uint64_t, std::function<void()>>& pending);

  std::shared_ptr<RuntimeUv> runtime_;
  std::shared_ptr<ThreadExecutor> own_executor_;
  std::shared_ptr<Hub> hub_;
  std::shared_ptr<OnLoop> on_loop_;
  UserId self_;
  bool idle_posted_ = false;  // loop thread
};

// Loop thread.
void ClientUv::tell(Event event) {
  if (const auto* connection = std::get_if<ConnectionChanged>(&event)) {
    const std::lock_guard lock(hub_->mutex);
    hub_->state = connection->state;
    hub_->reason = connection->reason;
    hub_->changed.notify_all();
  } else if (const auto* message = std::get_if<MessageChanged>(&event)) {
    if (on_loop_->views) on_loop_->views->touch(message->message.conversation);
  } else if (const auto* conversation = std::get_if<ConversationChanged>(&event)) {
    if (on_loop_->views) on_loop_->views->touch(conversation->conversation.id);
  } else if (std::holds_alternative<CacheRecovered>(event)) {
    if (on_loop_->views) on_loop_->views->touch_all();
  }
  refresh_idle();
  const bool kept = std::holds_alternative<CacheRecovered>(event) ||
                    std::holds_alternative<StorageChanged>(event);
  const bool group = std::holds_alternative<GroupRefused>(event);  // one for each row of the outbox
  if (on_loop_->event_sinks.empty() && (kept || group)) {
    if (kept)
      std::erase_if(on_loop_->early, [&](const Event& e) { return e.index() == event.index(); });
    on_loop_->early.push_back(std::move(event));
    return;
  }
  for (const auto& [id, to] : on_loop_->event_sinks) to(event);
}

// After the turn: the event is told before the row that it closes is gone.
void ClientUv::refresh_idle() {
  if (idle_posted_ || !on_loop_->engine) return;
  idle_posted_ = hub_->post([this, on_loop = std::weak_ptr<OnLoop>(on_loop_)] {
    const auto there = on_loop.lock();
    if (!there || !there->engine) return;
    idle_posted_ = false;
    const std::lock_guard lock(hub_->mutex);
    hub_->outbox_idle = there->engine->outbox().idle();
    hub_->changed.notify_all();
  });
}

std::unique_ptr<Subscription> ClientUv::on_event(std::function<void(const Event&)> callback) {
  return subscribe([&](std::uint64_t id, const std::shared_ptr<CallbackSlot>& slot) {
    auto shared = std::make_shared<std::function<void(const Event&)>>(std::move(callback));
    auto to = [executor = hub_->executor, slot, shared](const Event& event) {
      executor->post([slot, shared, event] { slot->run([&] { (*shared)(event); }); });
    };
    for (const Event& event : std::exchange(on_loop_->early, {})) to(event);
    on_loop_->event_sinks[id] = std::move(to);
  });
}

Status ClientUv::wait_online(std::chrono::milliseconds limit) {
  std::unique_lock lock(hub_->mutex);
  const bool settled = hub_->changed.wait_for(lock, limit, [this] {
    return !hub_->loop || hub_->state == ConnectionState::kOnline ||
           hub_->state == ConnectionState::kSignedOut;
  });
  if (!hub_->loop) return closed_error();
  if (settled && hub_->state == ConnectionState::kOnline) return {};
  if (settled) return hub_->reason;
  if (hub_->reason.code != ErrorCode::kCancelled)
    return hub_->reason;  // says more than that time is up
  return make_error(ErrorCode::kTimeout, "not online in time");
}

Status ClientUv::wait_sent(std::chrono::milliseconds limit) {
  // The outbox as it is now, not as it was last told.
  Status asked = call<void>([this](Engine& e) {
    const std::lock_guard lock(hub_->mutex);
    hub_->outbox_idle = e.outbox().idle();
    return Status();
  });
  if (!asked) return asked;
  std::unique_lock lock(hub_->mutex);
  hub_->changed.wait_for(lock, limit, [this] {
    return !hub_->loop || hub_->outbox_idle || hub_->state == ConnectionState::kSignedOut;
  });
  if (!hub_->loop) return closed_error();
  if (hub_->outbox_idle) return {};
  if (hub_->reason.code != ErrorCode::kCancelled)
    return hub_->reason;  // says more than that time is up
  return make_error(ErrorCode::kTimeout, "not everything was sent in time");
}

void ClientUv::close() {
  std::map<std::uint64_t, std::shared_ptr<CallbackSlot>> slots;
  std::map<std::uint64_t, std::function<void()>> pending;
  {
    std::unique_lock lock(hub_->mutex);
    if (!hub_->loop) {  // another thread closes, or has closed: nobody returns before it is done
      if (!InCallback::now())
        hub_->changed.wait_for(lock, limits::close_limit, [this] { return hub_->ended; });
      return;
    }
    hub_->loop = nullptr;
    hub_->ended = false;
    hub_->state = ConnectionState::kOffline;
    slots.swap(hub_->slots);
    pending.swap(hub_->pending);
    hub_->changed.notify_all();
  }
  runtime_->loop.run_sync([this] {
    on_loop_->event_sinks.clear();
    on_loop_->views.reset();
    if (on_loop_->engine) on_loop_->engine->connection().stop();
    on_loop_->engine.reset();
    on_loop_->store.reset();
  });
  for (auto& [id, slot] : slots) slot->end();
  if (own_executor_) cancel(std::exchange(pending, {}));
  std::unique_lock lock(hub_->mutex);
  if (!InCallback::now())
    hub_->changed.wait_for(lock, limits::close_limit, [this] { return hub_->answering == 0; });
  if (!own_executor_) {
    lock.unlock();
    cancel_here(pending);
    lock.lock();
  }
  hub_->ended = true;
  hub_->changed.notify_all();
}

// On a host's executor, which may be the very thread that closes or never run again. Nothing else
// runs in the application any more, so calls stay one at a time.
void ClientUv::cancel_here(const std::map<std::uint64_t, std::function<void()>>& pending) {
  const InCallback here;
  for (const auto& [id, tell] : pending) tell();
}

// Every request that is still open is answered with kCancelled, on the executor of Kith's own.
void ClientUv::cancel(std::map<std::uint64_t, std::function<void()>> pending) {
  if (pending.empty()) return;
  const auto told = std::make_shared<std::promise<void>>();
  auto done = told->get_future();
  hub_->executor->post([pending = std::move(pending), told] {
    const InCallback here;
    for (const auto& [id, tell] : pending) tell();
    told->set_value();
  });
  // From inside a callback this would wait for itself.
  if (!own_executor_->on_own_thread()) done.wait_for(limits::close_limit);
}

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
  if (Status s = client->start(std::move(options), std::move(*endpoint)); !s) return s.error();
  return std::unique_ptr<Client>(std::move(client));
}

}  // namespace kith::client
