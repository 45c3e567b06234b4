// The same jobs done by the barest programs, measured in the same run as Kith: the limits of this
// machine, of which a figure is a share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kith::bench {

struct LimitResult {
  double per_s = 0;
  double cpu_us_each = 0;       // of the side that stands for the server
  double load_cpu_us_each = 0;  // of the other side, where it is measured
  double p50_ms = 0;
  double p99_ms = 0;
};

struct EchoJob {
  std::uint32_t connections = 100;
  std::uint32_t outstanding = 1;  // messages of one connection on their way
  std::uint32_t bytes = 150;
  double seconds = 2;
  int server_cpu = -1;  // -1 = wherever
  int load_cpu = -1;
};
// A process that reads and writes back on epoll, and one that loads it. Returns nothing if there is
// no socket or process.
std::optional<LimitResult> echo_limit(const EchoJob& job);

struct TalkJob {
  std::string file;                 // the log, made and removed
  std::uint32_t connections = 100;  // half of them send to the other half
  std::uint32_t outstanding = 1;    // messages of one sender on their way
  double seconds = 2;
  int server_cpu = -1;  // -1 = wherever
  int load_cpu = -1;
};
// Messages through the barest server that keeps the promises of a durable message between two: synced
// before the answer, delivered, acknowledged, reported to the sender. Times are of rounds, as in
// echo_limit().
std::optional<LimitResult> talk_limit(const TalkJob& job);

struct AppendJob {
  std::string file;  // made, and removed at the end
  std::uint32_t batch = 128;
  std::uint32_t bytes = 216;  // of a record
  double seconds = 2;
};
// Appends batches of records and waits for fdatasync after each.
std::optional<LimitResult> append_limit(const AppendJob& job);

struct MemoryJob {
  std::uint32_t kib = 16 * 1024;
  bool large_pages = false;
  double seconds = 1;
};
// Times reads that depend on each other, anywhere in `bytes` of memory: the cost of a place that is
// in no cache. Returns nothing if there is no such memory.
std::optional<LimitResult> memory_limit(const MemoryJob& job);

// TLS 1.3 handshakes in memory (P-256, one ticket), the server's share of the CPU.
std::optional<LimitResult> handshake_limit(double seconds);

struct TlsJob {
  std::uint32_t at_a_time = 64;  // connections on their way
  double seconds = 2;
  int server_cpu = -1;  // -1 = wherever
  int load_cpu = -1;
};
// The same on sockets between two processes: connect, full handshake with the ticket, one byte from
// the server, gone. The client does not verify: nothing that connects is cheaper.
std::optional<LimitResult> tls_limit(const TlsJob& job);

}  // namespace kith::bench
