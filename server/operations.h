// Operations: what those who run the server may ask over HTTP: /health, /ready, /metrics.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kith/server/server.h"
#include "server/gateway/admin_listener_uv.h"
#include "server/health/service_health.h"
#include "server/metrics_text.h"

namespace kith::server {

Readiness readiness_of(const ServiceHealth& health);

// The answer to GET `path`. `metrics` may wait for the services; empty: they did not answer in time.
AdminAnswer answer_operator(std::string_view path, const ServiceHealth& health,
                            const std::function<std::string()>& metrics);

// The build, whether connections are welcome, and what fails.
void add_health(MetricsText& to, const ServiceHealth& health, const Readiness& now);

}  // namespace kith::server
