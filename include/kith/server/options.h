// ServerOptions: everything that a host may set, with its default and reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/limits.h"
#include "kith/core/time.h"
#include "kith/server/hooks.h"
#include "kith/server/log_line.h"

namespace kith::server {

// A part of a server that a process may carry.
enum class Role : std::uint8_t { kGateway, kMessages, kPeople, kSearch };

// A set of them.
class Roles {
 public:
  // All of them.
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) : bits_(0) {
    for (const Role role : roles) add(role);
  }
  constexpr void add(Role role) { bits_ = static_cast<std::uint8_t>(bits_ | bit(role)); }
  [[nodiscard]] constexpr bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  constexpr bool operator==(const Roles&) const = default;

 private:
  static constexpr std::uint8_t bit(Role role) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
  }
  std::uint8_t bits_ = 0b1111;
};

struct ServerOptions {
  // The address to listen on. Port 0 takes a free one, which Server::port() returns.
  std::string listen_address = "127.0.0.1";
  std::uint16_t port = 8443;
  // Shares the port with other processes that set this too; the kernel distributes new connections among
  // them (SO_REUSEPORT). Each process keeps people and messages of its own.
  bool share_port = false;

  // PEM files of the TLS certificate chain and key (TLS 1.3 only). Both empty: plain ws://, for use
  // behind a TLS proxy.
  std::string tls_certificate_file{};
  std::string tls_key_file{};

  // Directory of the embedded stores (SQLite). Created if missing. Empty: everything in memory,
  // lost at the end.
  std::string data_dir{};

  // How many parts conversations are divided into, each with a log and a store of its own: 1 to 256.
  // Fixed when the data directory is made; another number is refused.
  std::uint32_t partitions = 1;
  // Threads, 1 to 64. With 1 one loop does everything; with N > 1 the first carries sessions, people
  // and search, and N - 1 further ones own the partitions: no more than there are.
  std::uint32_t loops = 1;
  // Roles of this process. Everything, until there are engines that join several processes.
  Roles roles{};

  // Verifies the tokens of the host's users. Null: only accounts of the server sign in (register_accounts).
  std::shared_ptr<Authenticator> authenticator{};
  // Lets clients register with handle and password, and sign in with them.
  bool register_accounts = false;
  // How long tokens for own accounts are valid.
  std::chrono::hours account_token_life{24 * 30};
  // Cost of hashing one password: log2 of scrypt's N, 10 to 18; each step doubles time and memory. Use less
  // than the default for development only. Accounts made with another cost keep it.
  std::uint32_t password_cost = limits::password_cost_default;
  // Threads that hash passwords, at most 64; each takes 32 MiB at the default cost while it works.
  // 0 = as many as the cores, at most 2.
  std::uint32_t password_threads = 0;
  // Signs resume tickets and tokens of the server's accounts; at least 32 bytes. Empty: random, kept in
  // data_dir.
  std::string secret{};
  // The earlier `secret`, for as long as tokens and tickets signed with it live: they stay valid, and nothing
  // new is signed with it. Empty: none, or the file secret.previous in data_dir.
  std::string previous_secret{};

  // Event loops for sockets (TLS, framing); the services run on the first. More than the cores are of no
  // use.
  std::uint32_t shards = 1;
  std::uint32_t connections_max = 0;  // 0 = as many as the descriptor limit allows, less a reserve
  // TLS handshakes and requests for a WebSocket beyond this wait, accepted but unread (token bucket with
  // a burst of two seconds).
  std::uint32_t handshakes_per_s = 5'000;
  // Addresses and CIDR ranges of the proxies in front of this server. The server takes a client's address from
  // their PROXY header (version 1 or 2) with `proxy_protocol`, else from X-Forwarded-For. Set it behind a
  // proxy: otherwise all clients share one address, and with it every limit by address.
  std::vector<std::string> trusted_proxies{};
  // Each connection of a trusted proxy must begin with a PROXY header; others must not.
  bool proxy_protocol = false;

  std::chrono::milliseconds heartbeat = limits::heartbeat;
  std::chrono::milliseconds idle_limit = limits::server_idle_limit;
  std::chrono::milliseconds presence_grace = limits::presence_grace;
  std::size_t send_queue_soft_bytes = limits::send_queue_soft_bytes;
  std::size_t send_queue_hard_bytes = limits::send_queue_hard_bytes;
  std::chrono::milliseconds lagging_limit = limits::lagging_limit;
  // Budget of one account, all its devices together, in cost units (docs/protocol.md, "Limits").
  std::uint32_t account_commands_per_s = limits::account_commands_per_s;
  std::uint32_t account_commands_burst = limits::account_commands_burst;
  // Budgets of one address (of IPv6: one /64): new accounts, failed sign-ins, ids and handles looked up.
  // 0 = unlimited, for a test or if many people share one address.
  std::uint32_t address_registrations_per_h = limits::address_registrations_per_h;
  std::uint32_t address_failures_per_min = limits::address_failures_per_min;
  std::uint32_t address_lookups_per_s = limits::address_lookups_per_s;
  // Event pushes per second to passive members of large groups, all groups together. Beyond it, and at 0,
  // such a member gets one HeadPush per group every 2 s and fetches the events.
  std::uint32_t large_pushes_per_s = limits::large_pushes_per_s;

  // Lets people search their history. The index takes three to four times the disk space of the texts, and
  // processor time mostly while the server is idle.
  bool search = true;

  // A second listener for operators, plain HTTP: GET /health, /ready and /metrics. Without a port there is
  // none; 0 takes a free one, which Server::admin_port() returns. It must not be reachable from outside,
  // because its figures show how much people write.
  std::string admin_address = "127.0.0.1";
  std::optional<std::uint16_t> admin_port{};

  // Receives log lines, which never hold message text or tokens. Called on the server's threads, one call at a
  // time. Repeated events are limited to a few a minute; the next line says how many were left out. Null: no
  // log.
  std::function<void(const LogLine&)> log{};
};

}  // namespace kith::server
