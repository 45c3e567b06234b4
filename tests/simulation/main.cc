// kith_simulation: runs seeds and prints those that break a rule.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/owners/owners_world.h"
#include "tests/simulation/scenario.h"

namespace {

constexpr const char* kUsage =
    "kith_simulation --seeds FIRST..LAST [--store-behind | --cluster | --owners]\n"
    "                [--partitions N] [--trace]\n"
    "\n"
    "Runs the simulation once for each seed. A seed that breaks a rule ends it with status 1 and "
    "is\n"
    "printed with the rule's number (docs/delivery.md), what was seen, and the end of its trace. "
    "The\n"
    "same program runs a seed in the same way every time.\n"
    "\n"
    "  --seeds N or FIRST..LAST   which seeds\n"
    "  --store-behind             the store is slow in each of them, not only in some\n"
    "  --partitions N             of the server's conversations: 1 to 4; else half of the seeds "
    "have one\n"
    "  --owners                   the other simulation: processes that own one log of "
    "conversations, one\n"
    "                             after the other or at the same time\n"
    "  --cluster                  relays, homes of users and conversations are in processes of "
    "their own\n"
    "  --trace                    print every line of the trace\n";

constexpr std::uint64_t kPartitionsMax = 4;

bool number(std::string_view digits, std::uint64_t* into) {
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), *into);
  return end.ec == std::errc() && end.ptr == digits.data() + digits.size();
}

bool parse(std::string_view text, std::uint64_t* first, std::uint64_t* last) {
  const std::size_t dots = text.find("..");
  const std::string_view low = text.substr(0, dots);
  const std::string_view high = dots == std::string_view::npos ? low : text.substr(dots + 2);
  return number(low, first) && number(high, last) && *first <= *last;
}

struct Wanted {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool store_behind = false;
  bool owners = false;
  bool cluster = false;
  bool trace = false;
  std::optional<std::uint32_t> partitions;
};

// Returns the verdict of either simulation on a seed.
struct Verdict {
  std::optional<kith::sim::Violation> violation;
  std::uint64_t steps = 0;
  std::vector<std::string> tail;
};

Verdict run_seed(std::uint64_t seed, const Wanted& wanted) {
  std::function<void(const std::string&)> print;
  if (wanted.trace) print = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  if (wanted.owners) {
    const auto result = kith::sim::run_owners(seed, kith::sim::OwnerRule::kNone, print);
    return {result.violation, result.steps, result.tail};
  }
  kith::sim::RunOptions options;
  options.seed = seed;
  if (wanted.store_behind) options.marks = kith::sim::kFewRecords;
  options.partitions = wanted.partitions;
  options.cluster = wanted.cluster;
  options.print = print;
  const kith::sim::RunResult result = kith::sim::run_scenario(options);
  return {result.violation, result.steps, {result.tail.begin(), result.tail.end()}};
}

int run(const Wanted& wanted) {
  const std::uint64_t first = wanted.first;
  const std::uint64_t last = wanted.last;
  std::uint64_t steps = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const Verdict result = run_seed(seed, wanted);
    steps += result.steps;
    if (result.violation) {
      if (!wanted.trace) {
        for (const std::string& line : result.tail) std::printf("%s\n", line.c_str());
      }
      std::printf("seed %llu breaks invariant %d: %s\n", static_cast<unsigned long long>(seed),
                  result.violation->invariant, result.violation->what.c_str());
      return 1;
    }
    if ((seed - first + 1) % 100 == 0) {
      std::printf("seeds %llu..%llu hold\n", static_cast<unsigned long long>(first),
                  static_cast<unsigned long long>(seed));
      std::fflush(stdout);
    }
  }
  const unsigned long long held = last - first + 1;
  std::printf("%llu seeds hold, %llu steps\n", held, static_cast<unsigned long long>(steps));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Wanted wanted;
  bool seeds = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (argument == "--trace") {
      wanted.trace = true;
    } else if (argument == "--store-behind") {
      wanted.store_behind = true;
    } else if (argument == "--cluster") {
      wanted.cluster = true;
    } else if (argument == "--owners") {
      wanted.owners = true;
    } else if (argument == "--seeds" && i + 1 < argc &&
               parse(argv[i + 1], &wanted.first, &wanted.last)) {
      seeds = true;
      ++i;
    } else if (std::uint64_t n = 0; argument == "--partitions" && i + 1 < argc &&
                                    number(argv[i + 1], &n) && n >= 1 && n <= kPartitionsMax) {
      wanted.partitions = static_cast<std::uint32_t>(n);
      ++i;
    } else {
      std::fprintf(stderr, "kith_simulation: what is '%s'?\n\n%s", argv[i], kUsage);
      return 2;
    }
  }
  if (!seeds) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run(wanted);
}
