// One shard of the listener: a listening socket and a libwebsockets context on one loop, with the
// connections it accepted. libwebsockets carries bytes and TLS; requests, frames and turns are rules of
// their own (UpgradeRequest, FrameReader, FrameOutput, Arrivals).
#pragma once

#include <libwebsockets.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "server/gateway/connection_input_lws.h"
#include "server/gateway/connection_output_lws.h"
#include "server/gateway/connection_slots_lws.h"
#include "server/gateway/shard_context_lws.h"
#include "server/gateway/shard_entrance_lws.h"

namespace kith::server {

// All calls on the loop of the shard. Kept by a shared_ptr that libwebsockets shares until its
// context is gone; close_all() is therefore a call and not the destructor.
class ListenerShardLws : public Connections {
 public:
  // Takes over `listening` (a bound, listening, non-blocking socket), also on failure.
  static Result<std::shared_ptr<ListenerShardLws>> open(const ListenerOptions& options,
                                                        const AddressRanges& trusted,
                                                        std::uint32_t shard, int listening,
                                                        LoopUv& loop, ShardHandler& handler);

  void send(ConnectionId id, std::string_view message) override { output_.send(id, message); }
  std::size_t buffered(ConnectionId id) const override;
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override {
    output_.close(id, code, reason);
  }
  void pause_reading(ConnectionId id, bool paused) override;
  void signed_in(ConnectionId id) override;
  // Like pause_reading(), for the shard's owner: reading goes on only when neither pauses it.
  void hold_reading(ConnectionId id, bool held);

  // New handshakes use it. Fails with kTlsFailed; then nothing has changed.
  Status use_certificate(const TlsIdentity& identity) { return context_.use_certificate(identity); }
  void use_trusted_proxies(const AddressRanges& trusted) { entrance_.use_trusted_proxies(trusted); }
  void stop_accepting() { entrance_.stop_accepting(); }
  // Closes every socket; no handler call comes afterwards.
  void close_all();
  [[nodiscard]] const ShardCounters& counters() const { return entrance_.counters(); }

 private:
  ListenerShardLws(const ListenerOptions& options, const AddressRanges& trusted,
                   std::uint32_t shard, LoopUv& loop, ShardHandler& handler);

  // Handles a callback of libwebsockets.
  static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size);
  int handle(lws* wsi, lws_callback_reasons reason, void* in, std::size_t size);
  void on_closed(std::uint32_t index);

  LoopUv& loop_;
  ShardHandler& handler_;
  ConnectionSlots slots_;
  ConnectionOutput output_;
  ShardContext context_;
  ShardEntrance entrance_;
  ConnectionInput input_;
  std::uint64_t turn_end_ = 0;
  bool closed_ = false;
};

}  // namespace kith::server
