// START HERE to embed a messenger: Server runs Kith inside your process.
//
//   kith::server::ServerOptions options;
//   options.data_dir = "kith-data";
//   options.authenticator = authenticator;
//   auto server = kith::server::Server::start(options);
//   if (!server) ... server.error().to_string() ...
//   ...
//   (*server)->stop();
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/options.h"

namespace kith::server {

struct ServerPorts;

// What GET /health and /ready of the admin listener say.
struct Readiness {
  bool alive = false;  // false: what people send cannot be kept, or the server is stuck
  bool ready = false;  // connections are welcome
  // Why it is not: "starting", "draining", "stopped", "loop_stalled", "store_behind", "disk_full",
  // "journal_failing", "store_failing", "requests_failing".
  std::vector<std::string> reasons;
  std::vector<std::string> warnings;  // what does not work although it is ready: "search_failing"
};

// One messenger server: sockets, sessions, services and the embedded stores.
//
// Threads:  owns its loops and workers; every method may be called from any thread. Installs no
//           signal handler, owns no global and changes no process-wide setting, so any number of
//           servers may live in one process.
// Lifetime: the destructor calls stop().
class KITH_API Server {
 public:
  // Opens the stores, replays what the last run left, and listens. Ready for connections when it
  // returns. Fails with kAddressInUse, kIo, kDiskFull, kCacheTooNew (data_dir of a later release),
  // kAlreadyOpen (another server uses data_dir), kInvalidArgument (options; the message names the
  // field), kTlsFailed (certificate or key not usable).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options);
  // The same on engines of your own (kith/server/ports/server_ports.h). Fails also with what they fail
  // with, with kInvalidArgument if data_dir was used with other ones or is missing, and with
  // kCacheCorrupt if log and store do not belong together.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                                             const ServerPorts& ports);
  virtual ~Server() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // "ws://127.0.0.1:8443/v1/ws" or wss://…
  [[nodiscard]] virtual std::string url() const = 0;

  // Stops accepting, says goodbye to every session spread evenly over `window` with a retry delay,
  // and returns when all are gone or the window is over. Nothing acknowledged is lost. Presence of
  // the users does not flicker.
  virtual void drain(std::chrono::milliseconds window) = 0;
  // Reads the files of the TLS certificate and key again: new handshakes use what is there now, open
  // connections stay. kTlsFailed, with the file at fault: then everything is as it was.
  // kInvalidArgument if the server is plain, kClosed after stop().
  [[nodiscard]] virtual Status reload_certificate() = 0;
  // Goes on with what of `options` may change while it runs: `authenticator`, `secret`,
  // `previous_secret` (an empty `secret`: those kept in data_dir, which are read again),
  // `trusted_proxies`, and the TLS files, which are read again. Sign-ins and connections from here on
  // are judged by it; sessions that are open stay until they end or bring a new token. The other fields
  // are not looked at. All or nothing: fails with kTlsFailed, kIo, kInvalidArgument (the message names
  // the field or file) or kClosed, and then everything is as it was. Ports stay as they are.
  [[nodiscard]] virtual Status reload(ServerOptions options) = 0;

  // Copies everything that the server keeps, but the search index, into the new directory `dir` (it
  // must not exist, or be empty) while it goes on. Everything that was acknowledged before the call is
  // in it, and devices do not mistake a server that starts there for this one. Blocks until the copy
  // is durable; one at a time. Fails with kAlreadyExists, kDiskFull, kIo, kAlreadyOpen (another is
  // being made), kCancelled (the server stops), kUnimplemented (no data_dir, or store, log or directory
  // are engines of your own: these make their own backups), kClosed: then there is nothing in `dir`.
  [[nodiscard]] virtual Status backup(const std::string& dir) = 0;

  // Ends at once (after a drain or without). Idempotent; returns when no thread of the server runs
  // any more, and the ports that it was given are destroyed.
  virtual void stop() = 0;

  // Ends sessions of a user (one device, or all): sockets close within 2 s, tokens issued before
  // now are refused, and those of the host that the device came in with are refused from whichever
  // device.
  [[nodiscard]] virtual Status revoke(const UserId& user) = 0;
  [[nodiscard]] virtual Status revoke(const UserId& user, const DeviceId& device) = 0;

  // Gives an own account another password: tokens issued before now are refused, sessions close
  // within 2 s. Fails with kNotFound, kPermissionDenied (the account signs in with tokens of the host),
  // kInvalidArgument, kTooLarge (8 to 256 bytes of UTF-8).
  [[nodiscard]] virtual Status set_password(const UserId& user, std::string_view password) = 0;
  // Ends an account for good, also one that signs in with tokens of the host: sessions close within
  // 2 s, tokens are refused with REVOKED, its groups are left (also if the process ends meanwhile:
  // then after the next start), its handle is never given to anybody else, and what it wrote stays
  // with those who have it, under a profile that says no more than `deleted`. Idempotent. Fails with
  // kNotFound.
  [[nodiscard]] virtual Status delete_account(const UserId& user) = 0;

  // Named counters and gauges, e.g. "sessions", "messages_placed", "journal_lag",
  // "send_queue_bytes".
  [[nodiscard]] virtual std::map<std::string, std::uint64_t> stats() const = 0;
  // The same and more in the text form of Prometheus, as GET /metrics has it. Empty after stop().
  [[nodiscard]] virtual std::string metrics() const = 0;
  [[nodiscard]] virtual Readiness readiness() const = 0;
  // The port of the admin listener; none if ServerOptions::admin_port is not set.
  [[nodiscard]] virtual std::optional<std::uint16_t> admin_port() const = 0;
};

// Server::backup() for a directory that no server has open. kInvalidArgument if it is used with engines
// of your own.
[[nodiscard]] KITH_API Status backup_data_dir(const std::string& data_dir, const std::string& to);

}  // namespace kith::server
