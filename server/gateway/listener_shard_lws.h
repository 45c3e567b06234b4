// One shard of the listener: a listening socket and a libwebsockets context on one loop, with the
// connections it accepted.
#pragma once

#include <libwebsockets.h>
#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/gateway/listener.h"
#include "server/gateway/listener_lws.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

class TlsIdentity;

// What a shard tells, beyond what a ConnectionHandler hears. Loop of the shard.
class ShardHandler : public ConnectionHandler {
 public:
  // The kernel took `bytes` of what was sent; counted in payload bytes plus frame headers.
  virtual void on_taken(ConnectionId id, std::size_t bytes) = 0;
};

// Bytes that one message of `size` bytes occupies on the wire (a server's frames carry no mask).
std::size_t frame_bytes(std::size_t size);

// All calls on the loop of the shard. Kept by a shared_ptr that libwebsockets shares until its
// context is gone; close_all() is therefore a call and not the destructor.
class ListenerShardLws : public Connections {
 public:
  // Takes over `listening` (a bound, listening, non-blocking socket), also when it fails.
  static Result<std::shared_ptr<ListenerShardLws>> open(const ListenerOptions& options,
                                                        std::uint32_t shard, int listening,
                                                        LoopUv& loop, ShardHandler& handler);
  ~ListenerShardLws() override;

  void send(ConnectionId id, std::string_view message) override;
  std::size_t buffered(ConnectionId id) const override;
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override;
  void pause_reading(ConnectionId id, bool paused) override;

  // New handshakes use it. Fails with kTlsFailed; then nothing has changed.
  Status use_certificate(const TlsIdentity& identity);
  void stop_accepting();
  // Closes every socket; no handler call comes afterwards.
  void close_all();

 private:
  // One WebSocket connection. Slots are reused, generations never.
  struct Slot {
    lws* wsi = nullptr;
    std::uint32_t generation = 0;
    bool dirty = false;      // stands in dirty_
    bool behind = false;     // more was buffered than a turn of writing takes: on_drained is owed
    bool closing = false;    // the close frame is in `out` or sent, or the socket is being cut
    std::string out;         // whole frames not yet given to lws
    std::size_t out_at = 0;  // start of the first of them
    std::size_t in_lws = 0;  // size of the last write, while lws still holds a part of it
    std::string message;     // pieces of an incomplete message
    Scheduler::TimerId cut_timer = 0;
  };

  ListenerShardLws(const ListenerOptions& options, std::uint32_t shard, LoopUv& loop,
                   ShardHandler& handler);
  Status open_context(const ListenerOptions& options,
                      const std::shared_ptr<ListenerShardLws>& self);
  void open_poll(int listening);

  static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);
  int handle(lws* wsi, lws_callback_reasons reason, std::uint32_t* index, void* in,
             std::size_t size);
  int on_established(lws* wsi, std::uint32_t* index);
  int on_receive(lws* wsi, std::uint32_t index, std::string_view piece);
  int on_writeable(std::uint32_t index);
  void on_closed(std::uint32_t index);

  void accept_some();
  bool take_handshake_token();
  void pause_accepting(Millis wait);

  Slot* find(ConnectionId id);
  const Slot* find(ConnectionId id) const;
  ConnectionId id_of(std::uint32_t index) const;
  void mark_dirty(std::uint32_t index);
  void flush_dirty();
  void flush_dirty_once();
  bool flush(std::uint32_t index);  // false: the connection is dead
  void settle(std::uint32_t index);
  void kill(Slot& slot);
  void arm_cut(std::uint32_t index);

  LoopUv& loop_;
  ShardHandler& handler_;
  const std::uint32_t shard_;
  const bool tls_;
  const std::uint32_t connections_max_;
  const std::function<bool()> healthy_;
  const double handshakes_per_s_;

  lws_protocols protocols_[2];
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  SSL_CTX* server_tls_ = nullptr;         // of the vhost
  SSL_CTX* unused_client_tls_ = nullptr;  // see use_tls()
  uv_poll_t* poll_ = nullptr;             // owns itself from uv_close() on
  int listening_ = -1;
  std::uint64_t turn_end_ = 0;
  Scheduler::TimerId accept_timer_ = 0;
  double tokens_ = 0;
  std::int64_t tokens_at_ms_ = 0;
  std::uint32_t sockets_ = 0;  // accepted and not yet gone, with or without a finished upgrade

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint32_t> flushing_;
  bool closed_ = false;
};

}  // namespace kith::server
