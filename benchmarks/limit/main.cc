// kith-limit: measures the limits of this machine.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/limit/limits.h"
#include "benchmarks/load/report.h"

namespace {

constexpr const char* kHelp =
    R"(kith-limit - what this machine gives at most, one line of JSON per job

  kith-limit echo CONNECTIONS OUTSTANDING [SECONDS [SERVER_CPU LOAD_CPU]]
                                        messages of 150 bytes there and back on bare epoll
  kith-limit talk FILE CONNECTIONS OUTSTANDING [SECONDS [SERVER_CPU LOAD_CPU]]
                                        messages of 150 bytes between pairs: synced to FILE, answered,
                                        delivered, acknowledged, told; on bare epoll
  kith-limit append FILE BATCH [SECONDS]
                                        records of 216 bytes appended, fdatasync after each batch
  kith-limit memory KIB [SECONDS [large]]
                                        reads that depend on each other, anywhere in KIB KiB, in pages
                                        of 4 KiB or large ones
  kith-limit handshake [SECONDS]        TLS 1.3 handshakes of one core, the server's side
  kith-limit tls AT_A_TIME [SECONDS [SERVER_CPU LOAD_CPU]]
                                        connections with a full handshake each, between two processes
)";

using Arguments = std::vector<std::string>;

std::uint32_t count(const Arguments& arguments, std::size_t i, std::uint32_t otherwise) {
  return i < arguments.size()
             ? static_cast<std::uint32_t>(std::max(1L, std::atol(arguments[i].c_str())))
             : otherwise;
}

int cpu(const Arguments& arguments, std::size_t i) {
  return i < arguments.size() ? std::atoi(arguments[i].c_str()) : -1;
}

double seconds(const Arguments& arguments, std::size_t i) {
  return i < arguments.size() ? std::max(0.1, std::atof(arguments[i].c_str())) : 2;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argv + 1, argv + argc);
  const std::string job = arguments.empty() ? "" : arguments[0];
  std::optional<kith::bench::LimitResult> result;
  kith::bench::Report report("limit_" + job);
  if (job == "echo") {
    kith::bench::EchoJob echo;
    echo.connections = count(arguments, 1, echo.connections);
    echo.outstanding = count(arguments, 2, echo.outstanding);
    echo.seconds = seconds(arguments, 3);
    echo.server_cpu = cpu(arguments, 4);
    echo.load_cpu = cpu(arguments, 5);
    report.set("connections", echo.connections);
    report.set("outstanding", echo.outstanding);
    result = echo_limit(echo);
  } else if (job == "talk" && arguments.size() > 1) {
    kith::bench::TalkJob talk;
    talk.file = arguments[1];
    talk.connections = count(arguments, 2, talk.connections);
    talk.outstanding = count(arguments, 3, talk.outstanding);
    talk.seconds = seconds(arguments, 4);
    talk.server_cpu = cpu(arguments, 5);
    talk.load_cpu = cpu(arguments, 6);
    report.set("connections", talk.connections);
    report.set("outstanding", talk.outstanding);
    result = talk_limit(talk);
  } else if (job == "append" && arguments.size() > 1) {
    kith::bench::AppendJob append;
    append.file = arguments[1];
    append.batch = count(arguments, 2, append.batch);
    append.seconds = seconds(arguments, 3);
    report.set("batch", append.batch);
    result = append_limit(append);
  } else if (job == "memory") {
    kith::bench::MemoryJob memory;
    memory.kib = count(arguments, 1, memory.kib);
    memory.seconds = seconds(arguments, 2);
    memory.large_pages = arguments.size() > 3 && arguments[3] == "large";
    report.set("kib", memory.kib);
    report.set("large_pages", memory.large_pages ? 1 : 0);
    result = memory_limit(memory);
  } else if (job == "tls") {
    kith::bench::TlsJob tls;
    tls.at_a_time = count(arguments, 1, tls.at_a_time);
    tls.seconds = seconds(arguments, 2);
    tls.server_cpu = cpu(arguments, 3);
    tls.load_cpu = cpu(arguments, 4);
    report.set("at_a_time", tls.at_a_time);
    result = tls_limit(tls);
  } else if (job == "handshake") {
    result = kith::bench::handshake_limit(seconds(arguments, 1));
  } else {
    std::fputs(kHelp, job == "--help" ? stdout : stderr);
    return job == "--help" ? 0 : 2;
  }
  if (!result) {
    std::fprintf(stderr, "kith-limit: %s cannot be measured here\n", job.c_str());
    return 1;
  }
  report.set("per_s", result->per_s);
  report.set("cpu_us_each", result->cpu_us_each);
  if (result->load_cpu_us_each > 0) report.set("load_cpu_us_each", result->load_cpu_us_each);
  report.set("p50_ms", result->p50_ms);
  report.set("p99_ms", result->p99_ms);
  std::printf("%s\n", report.json().c_str());
  return 0;
}
