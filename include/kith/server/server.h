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

// The answer of GET /health and /ready of the admin listener.
struct Readiness {
  bool alive = false;  // false: messages cannot be stored, or the server is stuck
  bool ready = false;  // the server accepts connections
  // The reasons of a false above: "starting", "draining", "stopped", "loop_stalled", "store_behind", "disk_full",
  // "journal_failing", "store_failing", "requests_failing".
  std::vector<std::string> reasons;
  std::vector<std::string> warnings;  // parts that fail while the server is ready: "search_failing"
};

// One messenger server: sockets, sessions, services and the embedded stores.
//
// Threads:  owns its loops and workers; every method may be called from any thread. Installs no
//           signal handler, owns no global and changes no process-wide setting, so any number of
//           servers may live in one process.
// Lifetime: the destructor calls stop().
class KITH_API Server {
 public:
  // Opens the stores, replays the rest of the log, and listens: the server accepts connections when this
  // returns. Fails with kAddressInUse, kIo, kDiskFull, kCacheTooNew (data_dir of a later release),
  // kAlreadyOpen (another server uses data_dir), kInvalidArgument (options; the message names the
  // field), kTlsFailed (certificate or key not usable).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options);
  // The same on engines of your own (kith/server/ports/server_ports.h). Fails also with their errors, with
  // kInvalidArgument if data_dir is missing or was used with other engines, and with kCacheCorrupt if log
  // and store do not belong together.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                                             const ServerPorts& ports);
  virtual ~Server() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // "ws://127.0.0.1:8443/v1/ws" or wss://…
  [[nodiscard]] virtual std::string url() const = 0;

  // Stops accepting connections and ends all sessions, evenly over `window`, each with a Goodbye and a retry
  // delay. Returns when all have gone or the window is over. Nothing acknowledged is lost, and nobody is
  // shown as offline.
  virtual void drain(std::chrono::milliseconds window) = 0;
  // Reads the files of the TLS certificate and key again, for new handshakes; open connections stay. Fails
  // with kTlsFailed (the message names the file at fault; the old certificate stays in use),
  // kInvalidArgument if the server runs without TLS, kClosed after stop().
  [[nodiscard]] virtual Status reload_certificate() = 0;
  // Applies the fields of `options` that may change while the server runs: `authenticator`, `secret` and
  // `previous_secret` (if `secret` is empty, both are read from data_dir again), `trusted_proxies`, and the
  // TLS files, which are read again. The other fields are ignored, and ports stay as they are. New sign-ins
  // and connections follow the new values; open sessions stay until they end or bring a new token. Changes
  // all or nothing: fails with kTlsFailed, kIo, kInvalidArgument (the message names the field or file) or
  // kClosed.
  [[nodiscard]] virtual Status reload(ServerOptions options) = 0;

  // Copies the data of the server, without the search index, into the directory `dir`, which must not exist
  // or be empty; the server goes on meanwhile. The copy holds everything acknowledged before the call, and
  // devices recognise a server that starts on it as a copy. Blocks until the copy is durable; one call at a
  // time. Fails with kAlreadyExists, kDiskFull, kIo, kAlreadyOpen (another copy is being made), kCancelled
  // (the server stops), kUnimplemented (no data_dir; or store, log or directory are engines of your own,
  // which make their own backups), kClosed. A failed call leaves nothing in `dir`.
  [[nodiscard]] virtual Status backup(const std::string& dir) = 0;

  // Stops at once, after a drain or without. Idempotent. When it returns, no thread of the server runs and the
  // given ports are destroyed.
  virtual void stop() = 0;

  // Ends the sessions of a user, on one device or on all: sockets close within 2 s and tokens issued before
  // now are rejected. Tokens of the host with which the device has signed in are rejected from every
  // device.
  [[nodiscard]] virtual Status revoke(const UserId& user) = 0;
  [[nodiscard]] virtual Status revoke(const UserId& user, const DeviceId& device) = 0;

  // Sets the password of an account that the server keeps: tokens issued before now are rejected, sessions
  // close within 2 s. Fails with kNotFound, kPermissionDenied (the account signs in with tokens of the host),
  // kInvalidArgument, kTooLarge (8 to 256 bytes of UTF-8).
  [[nodiscard]] virtual Status set_password(const UserId& user, std::string_view password) = 0;
  // Deletes an account for good, also one that signs in with tokens of the host: sessions close within 2 s,
  // tokens are rejected with REVOKED, the account leaves its groups (after the next start, if the process
  // ends meanwhile), and its handle is never given out again. Its messages stay with those who have them,
  // under a profile that says `deleted` and no more. Idempotent. Fails with kNotFound.
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

// Does what Server::backup() does, for a directory that no server has open. Fails also with kInvalidArgument if
// the directory was used with engines of your own.
[[nodiscard]] KITH_API Status backup_data_dir(const std::string& data_dir, const std::string& to);

}  // namespace kith::server
