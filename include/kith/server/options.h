// ServerOptions: everything that a host may set, with its default and reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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

struct ServerOptions {
  // Where to listen. Port 0 takes a free one; Server::port() tells which.
  std::string listen_address = "127.0.0.1";
  std::uint16_t port = 8443;
  // Lets other processes that set it too listen on the same port; the kernel deals new connections
  // out to them (SO_REUSEPORT). Each keeps people and messages of its own.
  bool share_port = false;

  // PEM files of the TLS certificate chain and key (TLS 1.3 only). Both empty: plain ws://, for use
  // behind a TLS proxy.
  std::string tls_certificate_file{};
  std::string tls_key_file{};

  // Directory of the embedded stores (SQLite). Created if missing. Empty: everything in memory,
  // lost at the end.
  std::string data_dir{};

  // Who signs in. Null: only the server's own accounts (register_accounts).
  std::shared_ptr<Authenticator> authenticator{};
  // Lets clients register with handle and password, and sign in with them.
  bool register_accounts = false;
  // How long tokens for own accounts are valid.
  std::chrono::hours account_token_life{24 * 30};
  // What one password of an own account costs: log2 of scrypt's N, 10 to 18, each step doubles time
  // and memory. Less than the default is for development. Accounts made with another cost keep it.
  std::uint32_t password_cost = limits::password_cost_default;
  // Threads that hash passwords, at most 64; each takes 32 MiB at the default cost while it works.
  // 0 = as many as the cores, at most 2.
  std::uint32_t password_threads = 0;
  // At least 32 bytes, signs resume tickets and tokens of own accounts. Empty: random, kept in
  // data_dir.
  std::string secret{};
  // What it has signed stays good too, nothing new is signed with it: the earlier `secret` for as long
  // as tokens and tickets made with it live. Empty: none, or the file secret.previous in data_dir.
  std::string previous_secret{};

  // Event loops that carry sockets (TLS, framing). Services always run on the first. More than the
  // cores is useless.
  std::uint32_t shards = 1;
  std::uint32_t connections_max = 0;  // 0 = as many as the descriptor limit allows, less a reserve
  // TLS handshakes and requests for a WebSocket beyond this wait, accepted but unread (token bucket with
  // a burst of two seconds).
  std::uint32_t handshakes_per_s = 5'000;
  // Addresses and CIDR ranges of proxies in front of this server, whose word for a client's address is
  // taken: from the PROXY protocol (version 1 or 2) with `proxy_protocol`, else from X-Forwarded-For.
  // Every limit by address needs it behind a proxy, where all clients have one address otherwise.
  std::vector<std::string> trusted_proxies{};
  // Each connection of a trusted proxy must begin with a PROXY header; others must not.
  bool proxy_protocol = false;

  std::chrono::milliseconds heartbeat = limits::heartbeat;
  std::chrono::milliseconds idle_limit = limits::server_idle_limit;
  std::chrono::milliseconds presence_grace = limits::presence_grace;
  std::size_t send_queue_soft_bytes = limits::send_queue_soft_bytes;
  std::size_t send_queue_hard_bytes = limits::send_queue_hard_bytes;
  std::chrono::milliseconds lagging_limit = limits::lagging_limit;
  // What one account may do, on all of its devices together, in cost units (docs/protocol.md, "Limits").
  std::uint32_t account_commands_per_s = limits::account_commands_per_s;
  std::uint32_t account_commands_burst = limits::account_commands_burst;
  // What one address (of IPv6: one /64) may do: new accounts, failed sign-ins, ids and handles looked
  // up. 0 = any number, for addresses that are many people's or a test's.
  std::uint32_t address_registrations_per_h = limits::address_registrations_per_h;
  std::uint32_t address_failures_per_min = limits::address_failures_per_min;
  std::uint32_t address_lookups_per_s = limits::address_lookups_per_s;
  // Events that are pushed to people who only listen in large groups, per second and all groups
  // together. Above it, and at 0, they are told every 2 s that there is something to fetch.
  std::uint32_t large_pushes_per_s = limits::large_pushes_per_s;

  // People can search their history. Costs two to three times the room of the texts on the disk, and
  // processor time mostly when nothing else wants it.
  bool search = true;

  // A second listener, plain HTTP, for those who run the server: GET /health, /ready and /metrics.
  // Without a port there is none; 0 takes a free one, Server::admin_port() tells which. It must not be
  // reachable from outside: whoever reaches it sees how much is said.
  std::string admin_address = "127.0.0.1";
  std::optional<std::uint16_t> admin_port{};

  // Receives log lines (never message text, never tokens). Called from the server's threads, never
  // from two at a time. No event is repeated without end: beyond a few a minute lines are counted, and
  // the next one says how many were left out. Null: silent.
  std::function<void(const LogLine&)> log{};
};

}  // namespace kith::server
