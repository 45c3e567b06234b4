// One shard of the listener: a listening socket and a libwebsockets context on one loop, with the
// connections it accepted. libwebsockets carries bytes and TLS; requests, frames and turns are rules of
// their own (UpgradeRequest, FrameReader, FrameOutput, Arrivals).
#pragma once

#include <libwebsockets.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/gateway/acceptor_uv.h"
#include "server/gateway/arrivals.h"
#include "server/gateway/frame_output.h"
#include "server/gateway/frame_reader.h"
#include "server/gateway/half_messages.h"
#include "server/gateway/listener.h"
#include "server/gateway/listener_lws.h"
#include "server/gateway/lobby_uv.h"
#include "server/gateway/peer_address.h"
#include "server/gateway/upgrade_request.h"
#include "src/loop/loop_uv.h"
#include "src/token_bucket.h"

namespace kith::server {

class TlsIdentity;

// What a shard tells, beyond what a ConnectionHandler hears. Loop of the shard.
class ShardHandler : public ConnectionHandler {
 public:
  // The kernel took `bytes` of what was sent; counted in payload bytes plus frame headers.
  virtual void on_taken(ConnectionId id, std::size_t bytes) = 0;
};

// Read from any thread.
struct ShardCounters {
  std::atomic<std::uint64_t> refused{0};  // no place for it, or it gave way to others
  std::atomic<std::uint64_t> overdue{0};  // too slow with its handshake or request
  std::atomic<std::uint64_t> waiting{0};  // accepted and not let in yet, now
  std::atomic<int> listening{-1};         // the socket, for the kernel's count of drops
};

// All calls on the loop of the shard. Kept by a shared_ptr that libwebsockets shares until its
// context is gone; close_all() is therefore a call and not the destructor.
class ListenerShardLws : public Connections {
 public:
  // Takes over `listening` (a bound, listening, non-blocking socket), also when it fails.
  static Result<std::shared_ptr<ListenerShardLws>> open(const ListenerOptions& options,
                                                        const AddressRanges& trusted,
                                                        std::uint32_t shard, int listening,
                                                        LoopUv& loop, ShardHandler& handler);
  ~ListenerShardLws() override;

  void send(ConnectionId id, std::string_view message) override;
  std::size_t buffered(ConnectionId id) const override;
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override;
  void pause_reading(ConnectionId id, bool paused) override;
  void signed_in(ConnectionId id) override;
  // Like pause_reading(), for the shard's owner: both must let it go on.
  void hold_reading(ConnectionId id, bool held);

  // New handshakes use it. Fails with kTlsFailed; then nothing has changed.
  Status use_certificate(const TlsIdentity& identity);
  void use_trusted_proxies(const AddressRanges& trusted) { trusted_ = trusted; }
  void stop_accepting();
  // Closes every socket; no handler call comes afterwards.
  void close_all();
  [[nodiscard]] const ShardCounters& counters() const { return counters_; }

 private:
  enum class Stage : std::uint8_t {
    kFree,
    kEntering,  // handshake, and the head of the request
    kOpen,
    kClosing,   // the close frame is in `out` or sent, or the socket is being cut
    kAnswered,  // an HTTP answer is in `out` or sent; what comes is dropped
  };
  // One connection. Slots are reused, generations never.
  struct Slot {
    lws* wsi = nullptr;
    std::uint32_t generation = 0;
    Stage stage = Stage::kFree;
    bool told = false;      // on_open() was: on_close() is owed
    bool dirty = false;     // stands in dirty_
    bool paused = false;    // by the services
    bool held = false;      // by the shard's owner
    bool hang_up = false;   // when all is out
    bool dead = false;      // being cut
    bool expelled = false;  // it gave way to others
    FrameOutput out;
    FrameReader reader;
    TokenBucket control;
    Arrivals::Key arrival = 0;          // until it has signed in
    std::unique_ptr<std::string> head;  // of the request, until it is whole
    PeerAddress address;
    Scheduler::TimerId cut_timer = 0;
  };
  class Pipe;

  ListenerShardLws(const ListenerOptions& options, const AddressRanges& trusted,
                   std::uint32_t shard, LoopUv& loop, ShardHandler& handler);
  Status open_context(const ListenerOptions& options,
                      const std::shared_ptr<ListenerShardLws>& self);
  void open_acceptor();
  LobbyUv::Hooks lobby_hooks();

  // Coming in.
  void take_in(std::vector<Accepted>& batch);
  void welcome_socket(int fd, const PeerAddress& address);
  bool out_of_room();
  void let_in();
  void come_in(Arrivals::Key key);
  void sweep();
  void expel(Arrivals::Key key);
  void leave_lobby(Arrivals::Key key);

  // What libwebsockets tells.
  static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);
  int handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size);
  void on_bytes(std::uint32_t index, std::span<char> bytes);
  std::span<char> on_head(std::uint32_t index, std::span<char> bytes);
  void establish(std::uint32_t index, const UpgradeRequest& request);
  void on_frames(std::uint32_t index, std::span<char> bytes);
  void on_control(Slot& slot, std::uint32_t index, const FrameReader::Event& event);
  void on_peer_close(std::uint32_t index, std::uint16_t code);
  void on_closed(std::uint32_t index);

  // Going out.
  void answer_http(std::uint32_t index, std::string_view status, std::string_view header,
                   std::string_view body);
  void mark_dirty(std::uint32_t index);
  void flush_dirty();
  void flush_dirty_once();
  void flush(std::uint32_t index);
  void end_output(Slot& slot);
  void kill(Slot& slot);
  void arm_cut(std::uint32_t index);
  void apply_flow(Slot& slot);

  Slot* find(ConnectionId id);
  const Slot* find(ConnectionId id) const;
  Slot* slot_of(lws* wsi, std::uint32_t* index);
  ConnectionId id_of(std::uint32_t index) const;
  std::uint32_t new_slot();

  LoopUv& loop_;
  ShardHandler& handler_;
  AddressRanges trusted_;
  const std::uint32_t shard_;
  const bool tls_;
  const bool proxy_protocol_;
  const std::uint32_t connections_max_;
  const std::function<bool()> healthy_;
  const BucketRate handshake_rate_;

  lws_protocols protocols_[2];
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  SSL_CTX* server_tls_ = nullptr;         // of the vhost
  SSL_CTX* unused_client_tls_ = nullptr;  // see use_tls()
  int listening_ = -1;                    // until the acceptor has it
  std::unique_ptr<AcceptorUv> acceptor_;
  HalfMessages half_messages_;
  std::uint64_t turn_end_ = 0;
  Scheduler::TimerId let_in_timer_ = 0;
  Scheduler::TimerId sweep_timer_ = 0;
  TokenBucket handshakes_;
  std::uint32_t sockets_ = 0;   // accepted and not yet gone, in the lobby or in a slot
  std::uint32_t expelled_ = 0;  // of them, on their way out
  ShardCounters counters_;

  Arrivals arrivals_;
  std::unique_ptr<LobbyUv> lobby_;
  std::unordered_map<Arrivals::Key, std::uint32_t> entering_;  // slots of those not signed in

  std::deque<Slot> slots_;  // a slot stays where it is
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint32_t> flushing_;
  lws* served_ = nullptr;  // whose callback runs
  bool closed_ = false;
};

}  // namespace kith::server
