// The barest search: from one place of memory to the next, each known only when the one before it has
// been read.
#include <sys/mman.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <random>
#include <vector>

#include "benchmarks/limit/limits.h"
#include "benchmarks/load/clock.h"

namespace kith::bench {
namespace {

constexpr std::size_t kLine = 64;  // bytes that a processor reads at a time
constexpr std::size_t kLargePage = 2UL
                                   << 20;  // and those that one entry of its page table may cover
constexpr std::size_t kStepsPerLook = 100'000;

// A ring through every line of `memory`, in an order that no prefetcher guesses.
void** make_ring(char* memory, std::size_t bytes) {
  std::vector<std::uint32_t> order(bytes / kLine);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(),
               std::mt19937(1));  // NOLINT(cert-msc51-cpp): the same ring
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t next = order[(i + 1) % order.size()];
    *reinterpret_cast<void**>(memory + kLine * order[i]) = memory + kLine * next;
  }
  return reinterpret_cast<void**>(memory + kLine * order[0]);
}

}  // namespace

std::optional<LimitResult> memory_limit(const MemoryJob& job) {
  const std::size_t bytes = std::size_t{job.kib} * 1024;
  const std::size_t mapped = bytes + 2 * kLargePage;
  void* map = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return std::nullopt;
  auto* memory = static_cast<char*>(map);
  memory += kLargePage - reinterpret_cast<std::uintptr_t>(memory) % kLargePage;
  if (job.large_pages && madvise(memory, bytes, MADV_HUGEPAGE) != 0) {
    munmap(map, mapped);
    return std::nullopt;
  }
  void** at = make_ring(memory, bytes);
  for (std::size_t i = 0; i < bytes / kLine; ++i) at = static_cast<void**>(*at);
  std::uint64_t steps = 0;
  const Micros began = now_us();
  const auto limit = static_cast<Micros>(job.seconds * 1e6);
  while (now_us() - began < limit) {
    for (std::size_t i = 0; i < kStepsPerLook; ++i) at = static_cast<void**>(*at);
    steps += kStepsPerLook;
  }
  const auto took_us = static_cast<double>(now_us() - began);
  LimitResult result;
  result.per_s = static_cast<double>(steps) * 1e6 / took_us;
  result.cpu_us_each = took_us / static_cast<double>(steps);
  result.p50_ms = result.p99_ms = result.cpu_us_each / 1e3;  // no single read is timed
  const bool walked = at != nullptr;  // the walk is part of the result: it may not be left out
  munmap(map, mapped);
  return walked ? std::optional(result) : std::nullopt;
}

}  // namespace kith::bench
