// ConnectionOutput writes to the connections of a shard: it gathers output during a turn of the loop, writes it
// once at the end, and closes connections.
#pragma once

#include <libwebsockets.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "server/gateway/connection_slots_lws.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

// Events of a shard beyond those of a ConnectionHandler. Loop of the shard.
class ShardHandler : public ConnectionHandler {
 public:
  // The kernel took `bytes` of the output, counted as payload plus frame headers.
  virtual void on_taken(ConnectionId id, std::size_t bytes) = 0;
};

class ConnectionOutput {
 public:
  // All must outlive it.
  ConnectionOutput(LoopUv& loop, ConnectionSlots& slots, ShardHandler& handler)
      : loop_(loop), slots_(slots), handler_(handler) {}

  // See Connections.
  void send(ConnectionId id, std::string_view message);
  void close(ConnectionId id, std::uint16_t code, std::string_view reason);
  // Ends the connection by an answer that is no WebSocket's. `header`: whole lines, or nothing.
  void answer_http(std::uint32_t index, std::string_view status, std::string_view header,
                   std::string_view body);
  void send_pong(std::uint32_t index, std::string_view payload);

  // Schedules the bytes in `out` for writing at the end of the turn.
  void mark_dirty(std::uint32_t index);
  void flush(std::uint32_t index);
  // The turn ends.
  void flush_dirty();
  // Starts or stops reading from the socket.
  void apply_flow(ConnectionSlot& slot);
  // Cuts the connection, soon.
  void kill(ConnectionSlot& slot);

  // Runs `serve` in a callback of libwebsockets for `wsi`, whose return value then says whether it is cut.
  template <class Serve>
  void during(lws* wsi, Serve serve) {
    served_ = wsi;
    serve();
    served_ = nullptr;
  }

 private:
  class Pipe;
  void flush_dirty_once();
  static void end_output(ConnectionSlot& slot);
  void arm_cut(std::uint32_t index);

  LoopUv& loop_;
  ConnectionSlots& slots_;
  ShardHandler& handler_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint32_t> flushing_;
  lws* served_ = nullptr;  // whose callback runs
};

}  // namespace kith::server
