// Shows a replay and its result.
#include "report.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "lines.h"

namespace replay {
namespace {

constexpr std::int64_t kRedrawUs = 250'000;
constexpr std::int64_t kLineUs = 10'000'000;  // where nobody watches
constexpr std::size_t kBar = 30;

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at =
      static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)));
  return sorted[at];
}

}  // namespace

void Progress::show(const std::string& phase, std::size_t done, std::size_t all,
                    const std::string& more) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const std::int64_t now = now_us();
  if (done < all && now - shown_us_ < (terminal ? kRedrawUs : kLineUs)) return;
  shown_us_ = now;
  const std::size_t filled = all ? kBar * done / all : kBar;
  const std::string bar = std::string(filled, '#') + std::string(kBar - filled, '.');
  std::fprintf(stderr, "%s%-8s [%s] %zu/%zu %s%s", terminal ? "\r\033[K" : "", phase.c_str(),
               bar.c_str(), done, all, more.c_str(), terminal ? "" : "\n");
  std::fflush(stderr);
  drawn_ = terminal;
}

void Progress::end() {
  if (drawn_) std::fputc('\n', stderr);
  drawn_ = false;
  shown_us_ = 0;
}

void print_table(const Summary& s) {
  const Verdict& v = s.verdict;
  std::printf("rooms          %10zu\nusers          %10zu\ndevices        %10zu\n", s.rooms,
              s.users, v.devices);
  std::printf("messages       %10zu\ndeliveries     %10zu\n", s.messages, v.deliveries);
  std::printf("server kills   %10zu\nclient kills   %10zu\nconnection cuts%10zu\n", s.server_kills,
              s.client_kills, s.cuts);
  std::printf(
      "lost           %10zu\nduplicated     %10zu\nout of order   %10zu\nwrong          %10zu\n",
      v.lost, v.duplicated, v.out_of_order, v.wrong);
  std::printf("searches       %10zu\nof them wrong  %10zu\n", v.searches, v.searches_wrong);
  std::printf("sent           %10.1f ms median, %.1f ms at 99 %%\n", percentile(s.sent_ms, 0.5),
              percentile(s.sent_ms, 0.99));
  std::printf("received       %10.1f ms median, %.1f ms at 99 %%\n", percentile(s.received_ms, 0.5),
              percentile(s.received_ms, 0.99));
  std::printf("time           %10.1f s\n", s.seconds);
}

void print_json(const Summary& s) {
  const Verdict& v = s.verdict;
  std::printf(
      "{\"messages\":%zu,\"deliveries\":%zu,\"lost\":%zu,\"duplicated\":%zu,\"out_of_order\":%zu,"
      "\"wrong\":%zu,\"searches\":%zu,\"searches_wrong\":%zu,\"sent_p50_ms\":%.2f,\"sent_p99_ms\":%"
      ".2f,\"received_p50_ms\":%.2f,"
      "\"received_p99_ms\":%.2f,\"seconds\":%.1f,\"rooms\":%zu,\"users\":%zu,\"devices\":%zu,"
      "\"server_kills\":%zu,\"client_kills\":%zu,\"cuts\":%zu}\n",
      s.messages, v.deliveries, v.lost, v.duplicated, v.out_of_order, v.wrong, v.searches,
      v.searches_wrong, percentile(s.sent_ms, 0.5), percentile(s.sent_ms, 0.99),
      percentile(s.received_ms, 0.5), percentile(s.received_ms, 0.99), s.seconds, s.rooms, s.users,
      v.devices, s.server_kills, s.client_kills, s.cuts);
}

}  // namespace replay
