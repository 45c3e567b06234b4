// Stage: the common part of the scenarios.
#include "benchmarks/load/scenario.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "benchmarks/load/partners.h"
#include "client/transport/url.h"

namespace kith::bench {
namespace {

constexpr Micros kConnectPatience = 300 * kSecond;
constexpr double kLeastSeconds = 1e-6;

Micros micros(double seconds) {
  return static_cast<Micros>(seconds * static_cast<double>(kSecond));
}

}  // namespace

Status Stage::open(const TrafficOptions& with, std::uint32_t sessions) {
  const auto url = client::parse_server_url(options.url);
  if (!url) return url.error();
  FleetOptions wanted;
  wanted.url = *url;
  if (!options.ca_file.empty()) {
    std::ifstream file(options.ca_file, std::ios::binary);
    if (!file) return make_error(ErrorCode::kIo, options.ca_file + ": cannot be read");
    wanted.ca_pem.assign((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }
  wanted.token_secret = options.secret;
  wanted.token = options.token;
  wanted.prefix = options.prefix;
  wanted.sessions = sessions;
  wanted.cursor = options.cursor;
  if (pid_ == 0) pid_ = options.pid;
  traffic = std::make_unique<Traffic>(with);
  auto made = Fleet::create(std::move(wanted), *traffic);
  if (!made) return made.error();
  fleet = std::move(*made);
  traffic->use(*fleet);
  if (line_) fleet->every_second = [this](Micros now) { progress(now); };
  if (pid_ != 0) {
    server_before_connections = process_use(pid_);
    if (!server_before_connections) {
      return make_error(ErrorCode::kNotFound, "--pid: no such process");
    }
  }
  auto index = IndexWatch::begin(pid_, options.metrics);
  if (!index) return index.error();
  index_.emplace(std::move(*index));
  return {};
}

void Stage::add_pairs(std::uint32_t pairs, std::uint32_t conversations) {
  const std::uint32_t count = std::max(pairs, conversations);
  const Partners partners(pairs, count);
  for (std::uint32_t c = 0; c < count; ++c) {
    const std::uint32_t from = partners.sender_of(c);
    const std::uint32_t to = partners.receiver_of(c);
    const auto id = ConversationId::direct(fleet->user(from), fleet->user(to));
    traffic->add_conversation(id, {from, to}, 1, true);
  }
}

Status Stage::bring_up_all() {
  phase_ = "connecting";
  return fleet->bring_up(0, fleet->size(), kConnectPatience);
}

Status Stage::run_for(double seconds) {
  phase_ = "running";
  fleet->run(now_us() + micros(seconds), [] { return false; });
  return fleet->fatal() ? Status(*fleet->fatal()) : Status();
}

Status Stage::drain(double patience_s) {
  phase_ = "draining";
  std::uint64_t left = traffic->unfinished();
  Micros moved = now_us();
  const Micros patience = micros(patience_s);
  fleet->run(now_us() + 100 * patience, [&] {
    if (traffic->unfinished() != std::exchange(left, traffic->unfinished())) moved = now_us();
    return left == 0 || now_us() - moved > patience;
  });
  return fleet->fatal() ? Status(*fleet->fatal()) : Status();
}

void Stage::start_use() {
  use_ = Use();
  use_.from = now_us();
  use_.load_from = process_use(0);
  if (pid_ != 0) use_.server_from = process_use(pid_);
}

void Stage::end_use() {
  use_.to = now_us();
  use_.load_to = process_use(0);
  if (pid_ != 0) use_.server_to = process_use(pid_);
  if (!index_) return;
  const auto faults = index_->faults();
  index_faults_ = faults ? *faults : 1;  // a server without metrics is not well either
}

void Stage::fill_use(Report& report, double messages) const {
  const double seconds = std::max(kLeastSeconds, static_cast<double>(use_.to - use_.from) / 1e6);
  report.set("seconds", seconds);
  if (use_.load_from && use_.load_to) {
    report.set("load_cpu_percent", 100 * (use_.load_to->cpu_s - use_.load_from->cpu_s) / seconds);
  }
  if (pid_ != 0 || !options.metrics.empty()) report.set("index_faults", index_faults_);
  if (!use_.server_from || !use_.server_to) return;
  const double cpu = use_.server_to->cpu_s - use_.server_from->cpu_s;
  report.set("server_rss_start", static_cast<double>(use_.server_from->rss_bytes));
  report.set("server_rss", static_cast<double>(use_.server_to->rss_bytes));
  report.set("server_cpu_s", cpu);
  report.set("server_cpu_percent", 100 * cpu / seconds);
  if (messages > 0) report.set("server_cpu_us_each", 1e6 * cpu / messages);
}

void Stage::fill(Report& report) const {
  const Meter& meter = traffic->meter();
  const double seconds =
      std::max(kLeastSeconds, static_cast<double>(meter.ended - meter.began) / 1e6);
  report.set("connections", fleet->size());
  report.set("messages", static_cast<double>(meter.done));
  report.set("per_s", static_cast<double>(meter.done) / seconds);
  report.set_latency("", meter.received);
  report.set_latency("sent_", meter.sent);
  if (meter.delivered.count() != 0) report.set_latency("delivered_", meter.delivered);
  report.set("deliveries", static_cast<double>(meter.deliveries));
  report.set("acknowledged", static_cast<double>(traffic->acknowledged()));
  report.set("lost", static_cast<double>(traffic->lost()));
  report.set("duplicated", static_cast<double>(traffic->duplicated()));
  report.set("wrong", static_cast<double>(traffic->wrong()));
  report.set("unfinished", static_cast<double>(traffic->unfinished()));
  report.set("retries", static_cast<double>(traffic->retries()));
  report.set("disconnects", static_cast<double>(fleet->disconnects));
  report.set("connect_failures", static_cast<double>(fleet->connect_failures));
  fill_use(report, static_cast<double>(meter.done));
}

void Stage::progress(Micros) {
  char text[200];
  std::snprintf(
      text, sizeof text,
      "%s: %s, %u of %u sessions, %llu messages/s, p50 %.1f ms, p99 %.1f ms, %llu under way",
      options.scenario.c_str(), phase_.c_str(), fleet->ready(), fleet->size(),
      static_cast<unsigned long long>(traffic->done() - done_before_),
      static_cast<double>(traffic->meter().received.quantile(0.5)) / 1000,
      static_cast<double>(traffic->meter().received.quantile(0.99)) / 1000,
      static_cast<unsigned long long>(traffic->unfinished()));
  done_before_ = traffic->done();
  line_(text);
}

Reports run_scenario(Stage& stage) {
  static const std::map<std::string, Reports (*)(Stage&), std::less<>> kAll = {
      {"pairs", run_pairs},         {"open", run_open},       {"group", run_group},
      {"connect", run_connect},     {"signin", run_signin},   {"idle", run_idle},
      {"reconnect", run_reconnect}, {"catchup", run_catchup}, {"crash", run_crash}};
  return kAll.at(stage.options.scenario)(stage);
}

}  // namespace kith::bench
