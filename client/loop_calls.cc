// LoopCalls: opening, subscriptions that outlive the client, closing.
#include "client/loop_calls.h"

#include <future>

#include "client/cache_store_sqlite.h"
#include "kith/core/limits.h"

namespace kith::client {
namespace {

class LoopSubscription : public Subscription {
 public:
  LoopSubscription(std::weak_ptr<ClientState> state, std::weak_ptr<LoopSide> side, std::uint64_t id,
                   std::shared_ptr<CallbackSlot> slot)
      : state_(std::move(state)), side_(std::move(side)), id_(id), slot_(std::move(slot)) {}
  ~LoopSubscription() override {
    slot_->end();
    const auto state = state_.lock();
    if (!state) return;
    state->post([side = side_, id = id_] {
      if (const auto there = side.lock()) there->remove(id);
    });
    state->remove(id_);
  }

 private:
  std::weak_ptr<ClientState> state_;
  std::weak_ptr<LoopSide> side_;
  std::uint64_t id_;
  std::shared_ptr<CallbackSlot> slot_;
};

// On a host's executor, which may be the very thread that closes or never run again. Nothing else
// runs in the application any more, so calls stay one at a time.
void cancel_here(const std::map<std::uint64_t, std::function<void()>>& cancels) {
  const InCallback here;
  for (const auto& [id, cancel] : cancels) cancel();
}

}  // namespace

LoopCalls::LoopCalls(const ClientOptions& options)
    : runtime_(runtime_of(options)),
      own_executor_(options.executor ? nullptr : ThreadExecutor::make()),
      state_(std::make_shared<ClientState>(
          options.executor ? options.executor : std::shared_ptr<Executor>(own_executor_))) {}

Status LoopCalls::open(ClientOptions options, Endpoint endpoint) {
  auto store = open_cache_store_sqlite(options.cache_dir);
  if (!store) return store.error();
  side_ = std::make_shared<LoopSide>(std::move(*store));
  Status opened;
  runtime_->loop.run_sync([&] {
    opened = side_->open({std::move(endpoint), options.handle, options.agent,
                          on_executor(std::move(options.token)), options.acknowledge_by_hand},
                         *runtime_, state_);
  });
  if (opened) state_->open(runtime_->loop);
  return opened;
}

std::unique_ptr<Subscription> LoopCalls::subscription(std::uint64_t id,
                                                      std::shared_ptr<CallbackSlot> slot) {
  return std::make_unique<LoopSubscription>(state_, side_, id, std::move(slot));
}

// The application's token provider runs on its executor, and its answer is dropped once the
// client is closed.
TokenProvider LoopCalls::on_executor(TokenProvider token) {
  if (!token) return nullptr;
  return [state = std::weak_ptr<ClientState>(state_),
          token = std::move(token)](std::function<void(Result<std::string>)> done) {
    const auto there = state.lock();
    if (!there) return;
    there->executor().post([state, token, done = std::move(done)] {
      token([state, done](Result<std::string> result) {
        const auto still = state.lock();
        if (still) still->post([done, result = std::move(result)] { done(result); });
      });
    });
  };
}

void LoopCalls::close() {
  auto open = state_->begin_close();
  if (!open) return;
  runtime_->loop.run_sync([this] { side_->close(); });
  for (auto& [id, slot] : open->slots) slot->end();
  if (own_executor_) cancel(std::exchange(open->cancels, {}));
  state_->wait_for_answers();
  if (!own_executor_) cancel_here(open->cancels);
  state_->end_close();
}

// Every call that is still open is answered with kCancelled, on the executor of Kith's own.
void LoopCalls::cancel(std::map<std::uint64_t, std::function<void()>> cancels) {
  if (cancels.empty()) return;
  const auto cancelled = std::make_shared<std::promise<void>>();
  auto done = cancelled->get_future();
  state_->executor().post([cancels = std::move(cancels), cancelled] {
    cancel_here(cancels);
    cancelled->set_value();
  });
  // From inside a callback this would wait for itself.
  if (!own_executor_->on_own_thread()) done.wait_for(limits::close_limit);
}

}  // namespace kith::client
