// WebSocket listener on libwebsockets: shards of one libuv loop, one lws context and one
// SO_REUSEPORT socket each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/result.h"
#include "server/gateway/listener.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

struct ListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  bool share_port = false;           // other processes may listen there too (SO_REUSEPORT)
  std::string tls_certificate_file;  // both empty: plain
  std::string tls_key_file;
  std::uint32_t shards = 1;           // shard 0 uses the given loop, the others own theirs
  std::uint32_t connections_max = 0;  // 0 = descriptor limit less a reserve
  // Returns true if GET /health answers 200, false for 503. Called on any shard's thread. Null: always 200.
  std::function<bool()> healthy{};
  std::uint32_t handshakes_per_s = 5'000;
  std::vector<std::string> trusted_proxies;  // addresses and ranges, see ServerOptions
  bool proxy_protocol = false;
};

class AddressRanges;
class TlsIdentity;

class ListenerLws : public Connections {
 public:
  // Binds and listens; handler calls begin when `loop` runs. Loop thread, or before the loop runs.
  // Fails with kAddressInUse, kIo, kTlsFailed, kInvalidArgument.
  static Result<std::unique_ptr<ListenerLws>> open(const ListenerOptions& options, LoopUv& loop,
                                                   ConnectionHandler& handler);
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Accepts no further connections. Loop thread.
  virtual void stop_accepting() = 0;
  // New handshakes on every shard use it; connections stay. Loop thread. kTlsFailed, kInvalidArgument
  // (the listener is plain).
  virtual Status use_certificate(const TlsIdentity& identity) = 0;
  // Sets the proxies that may pass on a client's address, for connections accepted from now on. Loop thread.
  virtual void use_trusted_proxies(const AddressRanges& trusted) = 0;
  // Connections now open.
  [[nodiscard]] virtual std::size_t connections() const = 0;
  virtual void add_stats(std::map<std::string, std::uint64_t>& into) const = 0;
  // The destructor (loop thread) closes every socket and joins the other shards; no handler call
  // comes afterwards.
};

}  // namespace kith::server
