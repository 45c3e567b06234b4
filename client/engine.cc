// Engine: puts the parts of an account together, and decides what of their changes is news.
#include "client/engine.h"

#include <array>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {

Engine::Engine(const EngineOptions& options, const DeviceId& device, Scheduler& scheduler,
               Random& random, TransportFactory& transports, CacheStore& store,
               std::function<void(Event)> emit)
    : emit_(std::move(emit)),
      replica_({options.endpoint, options.agent, device, UserId::of(options.handle)}, options.token,
               scheduler, random, transports, store, replica_hooks()),
      requests_(replica_.connection(), [this] { replica_.sync().sync_soon(Millis{0}); }),
      ids_(replica_.connection(), scheduler.clock(), random),
      profiles_(replica_.model(), replica_.connection(), requests_, scheduler),
      people_(replica_.connection(), scheduler, emit_),
      settings_(
          replica_.model(), requests_, options.handle, [this] { return replica_.history_known(); },
          emit_),
      account_(replica_.connection(), requests_),
      groups_(requests_, ids_, profiles_),
      outgoing_(replica_, ids_, profiles_, scheduler, random),
      history_(replica_, requests_, profiles_),
      searches_(replica_, profiles_, scheduler) {}

Replica::Hooks Engine::replica_hooks() {
  return {[this](Event event) { this->emit(std::move(event)); },
          [this](const v1::UserState& state) { return settings_.on_user_state(state); },
          [this](const v1::Welcome& welcome) {
            searches_.on_welcome(welcome);
            people_.on_welcome(replica_.limits().presence_subscriptions);
            profiles_.on_welcome();
          },
          [this](const v1::ServerFrame& frame) { people_.on_push(frame); },
          [this] { people_.on_lost(); }};
}

Result<std::unique_ptr<Engine>> Engine::make(EngineOptions options, Scheduler& scheduler,
                                             Random& random, TransportFactory& transports,
                                             CacheStore& store, std::function<void(Event)> emit) {
  if (Status s = check_handle(options.handle); !s) {
    return make_error(ErrorCode::kInvalidArgument, "handle: " + s.error().message);
  }
  auto content = store.load();
  if (!content) return content.error();
  if (content->device.empty()) {
    std::array<std::uint8_t, DeviceId::kSize> bytes{};
    random.fill(bytes.data(), bytes.size());
    content->device = DeviceId(bytes);
    CacheChange change;
    change.device = content->device;
    if (Status s = store.commit(change); !s) return s.error();
  }
  std::unique_ptr<Engine> engine(
      new Engine(options, content->device, scheduler, random, transports, store, std::move(emit)));
  if (Status s = engine->load(*content, options.acknowledge_by_hand); !s) return s.error();
  return engine;
}

Status Engine::load(const CacheContent& content, bool acknowledge_by_hand) {
  settings_.load(content.kv);
  if (Status s = replica_.load(content, acknowledge_by_hand); !s) return s;
  if (content.index_behind) searches_.index_older();
  if (!content.recovered.empty()) emit(CacheRecovered{content.recovered});
  return {};
}

void Engine::emit(Event event) {
  if (auto* changed = std::get_if<MessageChanged>(&event)) {
    profiles_.want(changed->message.sender);
    if (!is_news(*changed)) return;
    if (changed->is_new && !changed->message.mine)
      people_.on_message(changed->message.conversation, changed->message.sender);
  } else if (const auto* conversation = std::get_if<ConversationChanged>(&event)) {
    profiles_.want(conversation->conversation.peer);
  }
  emit_(std::move(event));
}

// An own message was new when it was written, here or on another device.
bool Engine::is_news(MessageChanged& changed) {
  const Message& m = changed.message;
  if (!m.mine) return true;
  changed.live = false;
  const OutboxRow* row = m.seq ? outbox().message(m.conversation, m.id) : nullptr;
  if (!row) return true;
  // The row has shown its place already.
  if (changed.is_new && row->placed_seq && model().shown().message_of(*row) == m) return false;
  changed.is_new = false;
  return true;
}

}  // namespace kith::client
