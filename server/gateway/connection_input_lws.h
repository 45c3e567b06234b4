// ConnectionInput reads the connections of a shard: the request that opens each, and the frames behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "server/gateway/half_messages.h"
#include "server/gateway/shard_entrance_lws.h"
#include "server/gateway/upgrade_request.h"

namespace kith::server {

class ConnectionInput {
 public:
  struct Ports {
    Clock& clock;
    ConnectionSlots& slots;
    ConnectionOutput& output;
    ShardEntrance& entrance;
    ShardHandler& handler;
  };
  // `healthy`: the answer of /health; null: always healthy. All must outlive it.
  ConnectionInput(const Ports& ports, bool tls, std::function<bool()> healthy)
      : ports_(ports), tls_(tls), healthy_(std::move(healthy)) {}

  void on_bytes(std::uint32_t index, std::span<char> bytes);
  // The connection has gone.
  void forget(std::uint32_t index);

 private:
  std::span<char> on_head(std::uint32_t index, std::span<char> bytes);
  void establish(std::uint32_t index, const UpgradeRequest& request);
  void on_frames(std::uint32_t index, std::span<char> bytes);
  void on_control(std::uint32_t index, const FrameReader::Event& event);
  void on_peer_close(std::uint32_t index, std::uint16_t code);

  const Ports ports_;
  const bool tls_;
  const std::function<bool()> healthy_;
  HalfMessages half_messages_;
};

}  // namespace kith::server
