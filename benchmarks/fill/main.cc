// kith-fill: gives kithd a long history, and prints the cost of keeping and reading it.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "benchmarks/fill/filler.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/report.h"

namespace {

using kith::bench::FillOptions;
using kith::bench::Report;

constexpr const char* kHelp = R"(kith-fill - a data directory with a long history for kithd

  kith-fill --data DIR [options]

  --messages M         in all conversations together (default 1000000)
  --conversations C    1:1 conversations (default 1000)
  --users U            PREFIX-0, PREFIX-1, ... (default 2000): `kith-bench pairs` and `open` with
                       --connections U and --conversations C go on in just these conversations
  --prefix NAME        (default bench)
  --bytes N            text of a message (default 100)
  --rounds R           each conversation gets its messages in R goes (default 1); more than one
                       spread its rows over the file, as those of people who talk by and by
  --reads N            pages of the newest 50 events that are read at the end (default 20000)
  --read-only          the directory was filled before, with these options: reads only

Every record goes through the journal, the rules and the store of the server, with their syncs.
Prints one line of JSON. kithd must not run on the directory at the same time.
)";

struct Arguments {
  FillOptions fill;
  std::uint32_t reads = 20'000;
  bool read_only = false;
};

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out > 0;
}

// Returns the fault; empty if there is none.
std::string parse(int argc, char** argv, Arguments& out) {
  FillOptions& fill = out.fill;
  const auto text = [](std::string& to) {
    return [&to](const char* value) { return !(to = value).empty(); };
  };
  const auto number = [](auto& to) {
    return [&to](const char* value) { return read_number(value, to); };
  };
  const std::map<std::string_view, std::function<bool(const char*)>> flags = {
      {"--data", text(fill.data)},           {"--prefix", text(fill.prefix)},
      {"--messages", number(fill.messages)}, {"--conversations", number(fill.conversations)},
      {"--users", number(fill.users)},       {"--bytes", number(fill.bytes)},
      {"--rounds", number(fill.rounds)},     {"--reads", number(out.reads)},
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--read-only") {
      out.read_only = true;
      continue;
    }
    const auto flag = flags.find(name);
    if (flag == flags.end()) return "no such option: " + std::string(name);
    if (++i == argc || !flag->second(argv[i])) return std::string(name) + " needs a value above 0";
  }
  return fill.data.empty() ? "--data is missing" : "";
}

int fail(const kith::Error& error) {
  std::fprintf(stderr, "kith-fill: %s\n", error.to_string().c_str());
  return error.code == kith::ErrorCode::kBadConfig ? 2 : 1;
}

class Progress {
 public:
  explicit Progress(std::uint64_t all) : all_(static_cast<double>(all)) {}
  void operator()(std::uint64_t done) {
    const kith::bench::Micros now = kith::bench::now_us();
    if (now - told_ < (live_ ? 1 : 10) * kith::bench::kSecond) return;
    told_ = now;
    std::fprintf(stderr, "%skith-fill: %llu messages, %.0f %%, %.0f/s%s", live_ ? "\r" : "",
                 static_cast<unsigned long long>(done), 100 * static_cast<double>(done) / all_,
                 static_cast<double>(done) * 1e6 / static_cast<double>(now - began_),
                 live_ ? "\033[K" : "\n");
  }
  void end() const {
    if (live_) std::fputs("\r\033[K", stderr);
  }

 private:
  const double all_;
  const bool live_ = isatty(STDERR_FILENO) == 1;
  const kith::bench::Micros began_ = kith::bench::now_us();
  kith::bench::Micros told_ = began_;
};

kith::Status fill_and_report(const Arguments& arguments, Report& report) {
  Progress progress(arguments.fill.messages);
  const auto filled =
      kith::bench::fill(arguments.fill, [&](std::uint64_t done) { progress(done); });
  progress.end();
  if (!filled) return filled.error();
  const auto messages = static_cast<double>(filled->messages);
  const auto disk = static_cast<double>(kith::bench::disk_bytes(arguments.fill.data));
  report.set("rounds", arguments.fill.rounds);
  report.set("messages", messages);
  report.set("records", static_cast<double>(filled->records));
  report.set("seconds", filled->seconds);
  report.set("journal_s", filled->journal_seconds);
  report.set("store_s", filled->store_seconds);
  report.set("per_s", messages / filled->seconds);
  report.set("disk_bytes_each", disk / messages);
  report.set("event_bytes_each", static_cast<double>(filled->event_bytes) / messages);
  report.set("disk_to_event_bytes", disk / static_cast<double>(filled->event_bytes));
  report.set("written_bytes_each", static_cast<double>(filled->written_bytes) / messages);
  report.set("written_to_event_bytes",
             static_cast<double>(filled->written_bytes) / static_cast<double>(filled->event_bytes));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && (argv[1] == std::string_view("--help") || argv[1] == std::string_view("-h"))) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  Arguments arguments;
  if (const std::string wrong = parse(argc, argv, arguments); !wrong.empty()) {
    return fail(kith::make_error(kith::ErrorCode::kBadConfig, wrong));
  }
  Report report("fill");
  report.set("conversations", arguments.fill.conversations);
  if (!arguments.read_only) {
    if (const auto filled = fill_and_report(arguments, report); !filled) {
      return fail(filled.error());
    }
  }
  report.set("disk_bytes", static_cast<double>(kith::bench::disk_bytes(arguments.fill.data)));
  const auto read = kith::bench::read_newest(arguments.fill, arguments.reads);
  if (!read) return fail(read.error());
  report.set("pages", static_cast<double>(read->pages));
  report.set("events_per_page",
             static_cast<double>(read->events) / static_cast<double>(read->pages));
  report.set("page_p50_us", read->p50_us);
  report.set("page_p99_us", read->p99_us);
  report.set("page_max_us", read->max_us);
  std::printf("%s\n", report.json().c_str());
  return 0;
}
