// The barest log: write, fdatasync, again.
#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <vector>

#include "benchmarks/limit/limits.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"

namespace kith::bench {
namespace {

double thread_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

std::optional<LimitResult> append_limit(const AppendJob& job) {
  const int fd = open(job.file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return std::nullopt;
  const std::vector<char> batch(std::size_t{job.batch} * job.bytes, 'x');
  Histogram times;
  std::uint64_t records = 0;
  const double cpu = thread_cpu_s();
  const Micros began = now_us();
  const Micros until = began + static_cast<Micros>(job.seconds * 1e6);
  Micros now = began;
  bool good = true;
  while (good && now < until) {
    good = write(fd, batch.data(), batch.size()) == static_cast<ssize_t>(batch.size()) &&
           fdatasync(fd) == 0;
    const Micros done = now_us();
    times.record(done - now);
    now = done;
    records += job.batch;
  }
  const double used = thread_cpu_s() - cpu;
  close(fd);
  unlink(job.file.c_str());
  if (!good) return std::nullopt;
  LimitResult result;
  result.per_s = static_cast<double>(records) * 1e6 / static_cast<double>(now - began);
  result.cpu_us_each = 1e6 * used / static_cast<double>(records);
  result.p50_ms = static_cast<double>(times.quantile(0.5)) / 1000;
  result.p99_ms = static_cast<double>(times.quantile(0.99)) / 1000;
  return result;
}

}  // namespace kith::bench
