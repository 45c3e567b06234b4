// ListenerShardLws: libwebsockets' callbacks, and the parts of a shard joined.
#include "server/gateway/listener_shard_lws.h"

#include <unistd.h>

#include <utility>

namespace kith::server {

ListenerShardLws::ListenerShardLws(const ListenerOptions& options, const AddressRanges& trusted,
                                   std::uint32_t shard, LoopUv& loop, ShardHandler& handler)
    : loop_(loop),
      handler_(handler),
      slots_(shard),
      output_(loop, slots_, handler),
      context_(loop, !options.tls_certificate_file.empty(), &ListenerShardLws::on_lws),
      entrance_(options, trusted, {loop, slots_, output_, context_},
                [this](std::uint32_t index) { on_closed(index); }),
      input_({loop.clock(), slots_, output_, entrance_, handler}, context_.tls(), options.healthy) {
}

Result<std::shared_ptr<ListenerShardLws>> ListenerShardLws::open(const ListenerOptions& options,
                                                                 const AddressRanges& trusted,
                                                                 std::uint32_t shard, int listening,
                                                                 LoopUv& loop,
                                                                 ShardHandler& handler) {
  std::shared_ptr<ListenerShardLws> self(
      new ListenerShardLws(options, trusted, shard, loop, handler));
  if (auto status = self->context_.open(options, self, self.get()); !status) {
    ::close(listening);
    self->close_all();
    return status.error();
  }
  self->entrance_.open(listening);
  self->turn_end_ = loop.at_turn_end([shard_ptr = self.get()] {
    shard_ptr->output_.flush_dirty();
    shard_ptr->entrance_.turn_ended();
  });
  return self;
}

int ListenerShardLws::on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                             std::size_t size) {
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
    return ShardContext::on_tls_made(static_cast<SSL_CTX*>(user));
  lws_vhost* vhost = lws_get_vhost(wsi);
  if (vhost == nullptr) return 0;
  auto* self = static_cast<ListenerShardLws*>(lws_get_vhost_user(vhost));
  return self == nullptr ? 0 : self->handle(wsi, reason, in, size);
}

int ListenerShardLws::handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size) {
  std::uint32_t index = 0;
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    if (lws_get_opaque_user_data(wsi) != nullptr) entrance_.socket_gone();
    return 0;
  }
  if (closed_) return 0;
  ConnectionSlot* slot = slots_.of(wsi, &index);
  switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
      if (slot != nullptr) slot->wsi = wsi;
      return 0;
    case LWS_CALLBACK_RAW_RX:
      if (slot == nullptr || slot->dead) return -1;
      output_.during(wsi, [&] { input_.on_bytes(index, {static_cast<char*>(in), size}); });
      return slot->dead ? -1 : 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
      if (slot == nullptr || slot->dead) return -1;
      output_.during(wsi, [&] { output_.flush(index); });
      return slot->dead ? -1 : 0;
    case LWS_CALLBACK_RAW_CLOSE:
      if (slot != nullptr) on_closed(index);
      return 0;
    default:
      return 0;
  }
}

void ListenerShardLws::on_closed(std::uint32_t index) {
  const ConnectionId id = slots_.id_of(index);
  ConnectionSlot& slot = slots_[index];
  loop_.cancel(slot.cut_timer);
  entrance_.left(slot);
  input_.forget(index);
  slot.out.clear();
  const bool dirty = slot.dirty;
  const bool opened = slot.opened;
  const std::uint32_t generation = slot.generation;
  slot = ConnectionSlot{};
  slot.generation = generation;
  slot.dirty = dirty;  // its place in a list is swept at the end of the turn, then the slot is free
  if (!dirty) slots_.free(index);
  if (opened) handler_.on_close(id);
}

std::size_t ListenerShardLws::buffered(ConnectionId id) const {
  const ConnectionSlot* slot = slots_.find(id);
  return slot == nullptr ? 0 : slot->out.waiting();
}

void ListenerShardLws::pause_reading(ConnectionId id, bool paused) {
  ConnectionSlot* slot = slots_.find(id);
  if (slot == nullptr || slot->stage != ConnectionSlot::Stage::kOpen) return;
  slot->paused = paused;
  output_.apply_flow(*slot);
}

void ListenerShardLws::hold_reading(ConnectionId id, bool held) {
  ConnectionSlot* slot = slots_.find(id);
  if (slot == nullptr) return;
  slot->held = held;
  output_.apply_flow(*slot);
}

void ListenerShardLws::signed_in(ConnectionId id) {
  if (ConnectionSlot* slot = slots_.find(id)) entrance_.signed_in(*slot);
}

void ListenerShardLws::close_all() {
  if (std::exchange(closed_, true)) return;
  entrance_.close();
  loop_.remove_turn_end(turn_end_);
  slots_.each([this](const ConnectionSlot& slot) { loop_.cancel(slot.cut_timer); });
  context_.close();
}

}  // namespace kith::server
