// Operations: what those who run the server may ask over HTTP.
#include "server/operations.h"

#include <utility>
#include <vector>

#include "server/metrics_text.h"

namespace kith::server {
namespace {

constexpr std::uint16_t kOk = 200;
constexpr std::uint16_t kNotFound = 404;
constexpr std::uint16_t kUnavailable = 503;

// Words of our own: nothing to escape.
std::string json_list(const std::vector<std::string>& words) {
  std::string text = "[";
  for (const std::string& word : words) {
    if (text.size() > 1) text += ',';
    text.append("\"").append(word).append("\"");
  }
  return text + "]";
}

}  // namespace

Readiness readiness_of(const ServiceHealth& health) {
  ServiceHealth::Report report = health.report();
  return {report.alive, report.ready, std::move(report.reasons), std::move(report.warnings)};
}

AdminAnswer answer_operator(std::string_view path, const ServiceHealth& health,
                            const std::function<std::string()>& metrics) {
  if (path == "/metrics") {
    std::string text = metrics();
    if (text.empty()) return {kUnavailable, "text/plain", "the services do not answer\n"};
    return {kOk, MetricsText::kContentType, std::move(text)};
  }
  if (path != "/health" && path != "/ready") {
    return {kNotFound, "text/plain", "GET /health, /ready or /metrics\n"};
  }
  const Readiness now = readiness_of(health);
  const bool good = path == "/health" ? now.alive : now.ready;
  std::string body = path == "/health" ? "{\"alive\":" : "{\"ready\":";
  body.append(good ? "true" : "false").append(",\"reasons\":").append(json_list(now.reasons));
  body.append(",\"warnings\":").append(json_list(now.warnings)).append("}\n");
  return {good ? kOk : kUnavailable, "application/json", std::move(body)};
}

void add_health(MetricsText& to, const ServiceHealth& health, const Readiness& now) {
  to.begin("kith_build_info", MetricsText::Type::kGauge, "The version that runs.");
  to.labelled("kith_build_info", "version", version(), 1);
  to.value("kith_ready", MetricsText::Type::kGauge, "1 if connections are welcome.",
           now.ready ? 1 : 0);
  using Part = ServiceHealth::Part;
  const std::pair<const char*, Part> parts[] = {{"journal", Part::kJournal},
                                                {"store", Part::kStore},
                                                {"requests", Part::kRequests},
                                                {"search", Part::kSearch}};
  to.begin("kith_failing", MetricsText::Type::kGauge, "1 while this part of the server fails.");
  for (const auto& [name, part] : parts) {
    to.labelled("kith_failing", "part", name, health.failing(part) ? 1 : 0);
  }
  to.begin("kith_failures_total", MetricsText::Type::kCounter, "Failures of this part.");
  for (const auto& [name, part] : parts) {
    to.labelled("kith_failures_total", "part", name, static_cast<double>(health.failures(part)));
  }
}

}  // namespace kith::server
