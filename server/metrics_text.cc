// MetricsText: counters, gauges and histograms in the text form of Prometheus.
#include "server/metrics_text.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <fstream>

namespace kith::server {
namespace {

using Type = MetricsText::Type;

struct Metric {
  std::string_view stat;
  std::string_view name;
  Type type;
  std::string_view help;
};

constexpr Metric kMetrics[] = {
    {"accept_queue_drops", "kith_accept_queue_drops_total", Type::kCounter,
     "Connections that the kernel dropped because the accept queue was full."},
    {"answers_failed", "kith_answers_failed_total", Type::kCounter,
     "Answers that could not be made and became an error."},
    {"apply_lag", "kith_store_pending_records", Type::kGauge,
     "Records in the journal that the store does not have yet."},
    {"cached_bytes", "kith_cached_bytes", Type::kGauge,
     "Memory of the members and recent events of the conversations in memory."},
    {"budget_bytes", "kith_budget_bytes", Type::kGauge,
     "Memory of what accounts and addresses may still do."},
    {"commands_held", "kith_commands_held", Type::kGauge,
     "Commands that wait until the store has caught up."},
    {"connections", "kith_connections", Type::kGauge, "Open sockets."},
    {"connections_overdue", "kith_connections_overdue_total", Type::kCounter,
     "Connections cut because their handshake or request did not end in time."},
    {"connections_refused", "kith_connections_refused_total", Type::kCounter,
     "Connections turned away, or given up for others."},
    {"connections_waiting", "kith_connections_waiting", Type::kGauge,
     "Connections that are accepted and not let in yet."},
    {"conversations_cached", "kith_conversations_cached", Type::kGauge, "Conversations in memory."},
    {"events_cached", "kith_events_cached", Type::kGauge, "Recent events in memory."},
    {"frames_in", "kith_frames_received_total", Type::kCounter, "Frames from clients."},
    {"frames_out", "kith_frames_sent_total", Type::kCounter, "Frames to clients."},
    {"journal_lag", "kith_journal_pending_records", Type::kGauge,
     "Records that wait for the journal's disk."},
    {"messages_placed", "kith_messages_placed_total", Type::kCounter,
     "Messages and other events that were placed in a conversation."},
    {"protocol_errors", "kith_protocol_errors_total", Type::kCounter,
     "Connections ended for breaking the protocol."},
    {"rate_limited", "kith_rate_limited_total", Type::kCounter, "Requests refused as too many."},
    {"search_failures", "kith_search_index_failures_total", Type::kCounter,
     "Batches that the search index did not take."},
    {"search_indexed", "kith_search_indexed_messages_total", Type::kCounter,
     "Messages that were indexed for search."},
    {"search_rebuilding", "kith_search_rebuilding", Type::kGauge,
     "1 while the search index is made anew."},
    {"search_rebuilds", "kith_search_rebuilds_total", Type::kCounter,
     "How often the search index was found damaged and made anew."},
    {"search_waiting", "kith_search_waiting_conversations", Type::kGauge,
     "Conversations with messages that cannot be found yet."},
    {"searches", "kith_searches_total", Type::kCounter, "Searches."},
    {"searches_failed", "kith_searches_failed_total", Type::kCounter, "Searches that failed."},
    {"send_queue_bytes", "kith_send_queue_bytes", Type::kGauge,
     "Bytes that wait for slow readers."},
    {"send_queue_dropped", "kith_send_queue_dropped_total", Type::kCounter,
     "Frames of typing and presence that were dropped for slow readers."},
    {"sessions", "kith_sessions", Type::kGauge, "Signed-in sessions."},
    {"sessions_lagging", "kith_sessions_lagging_total", Type::kCounter,
     "Sessions that became slow readers."},
    {"sessions_replaced", "kith_sessions_replaced_total", Type::kCounter,
     "Sessions replaced by a newer one of the same device."},
    {"slow_consumers", "kith_slow_consumers_total", Type::kCounter, "Slow readers that were cut."},
};

const Metric* find(std::string_view stat) {
  for (const Metric& metric : kMetrics) {
    if (metric.stat == stat) return &metric;
  }
  return nullptr;
}

}  // namespace

std::string_view metric_name(std::string_view stat) {
  const Metric* metric = find(stat);
  return metric == nullptr ? std::string_view() : metric->name;
}

// Shortest form that reads back as the same number; independent of the locale.
void MetricsText::number(double value) {
  char digits[64];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  text_.append(digits, written.ptr);
  text_ += '\n';
}

void MetricsText::head(std::string_view name, std::string_view type, std::string_view help) {
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(type).append("\n");
}

void MetricsText::begin(std::string_view name, Type type, std::string_view help) {
  head(name, type == Type::kCounter ? "counter" : "gauge", help);
}

void MetricsText::value(std::string_view name, Type type, std::string_view help, double value) {
  begin(name, type, help);
  text_.append(name).append(" ");
  number(value);
}

void MetricsText::labelled(std::string_view name, std::string_view label, std::string_view of,
                           double value) {
  text_.append(name).append("{").append(label).append("=\"");
  for (const char c : of) {
    if (c == '\n') {
      text_ += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += "\"} ";
  number(value);
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            const LatencyHistogram::Snapshot& all) {
  head(name, "histogram", help);
  const std::string bucket = std::string(name) + "_bucket";
  std::uint64_t count = 0;
  for (std::size_t i = 0; i + 1 < all.counts.size(); ++i) {
    count += all.counts[i];
    char bound[64];
    const double seconds =
        std::ldexp(1.0, static_cast<int>(i + LatencyHistogram::kFirst)) / 1'000'000;
    const auto end = std::to_chars(bound, bound + sizeof bound, seconds).ptr;
    labelled(bucket, "le", {bound, static_cast<std::size_t>(end - bound)},
             static_cast<double>(count));
  }
  count += all.counts.back();
  labelled(bucket, "le", "+Inf", static_cast<double>(count));
  text_.append(name).append("_sum ");
  number(static_cast<double>(all.sum_us) / 1'000'000);
  text_.append(name).append("_count ");
  number(static_cast<double>(count));
}

void MetricsText::stats(const std::map<std::string, std::uint64_t>& all) {
  for (const auto& [stat, count] : all) {
    if (const Metric* metric = find(stat)) {
      value(metric->name, metric->type, metric->help, static_cast<double>(count));
    } else {
      value("kith_" + stat, Type::kGauge, "See the server guide.", static_cast<double>(count));
    }
  }
}

void MetricsText::process() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (statm >> size >> resident) {
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    value("process_resident_memory_bytes", Type::kGauge, "Resident memory size in bytes.",
          static_cast<double>(resident * page));
    value("process_virtual_memory_bytes", Type::kGauge, "Virtual memory size in bytes.",
          static_cast<double>(size * page));
  }
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1'000'000;
    };
    value("process_cpu_seconds_total", Type::kCounter,
          "Total user and system CPU time spent in seconds.",
          seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    value("process_max_fds", Type::kGauge, "Maximum number of open file descriptors.",
          static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace kith::server
