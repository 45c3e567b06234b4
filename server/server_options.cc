// Checks of the ServerOptions before a server starts.
#include "server/server_options.h"

#include <string>

#include "kith/core/limits.h"
#include "server/gateway/peer_address.h"
#include "server/kept_secrets.h"

namespace kith::server {

Error bad_option(const char* field, const char* why) {
  return make_error(ErrorCode::kInvalidArgument, std::string(field) + " " + why);
}

namespace {

Status check_partitions(const ServerOptions& o) {
  if (o.partitions == 0 || o.partitions > limits::partitions_max) {
    return bad_option("partitions", "must be 1 to 256");
  }
  if (o.loops == 0 || o.loops > limits::loops_max) return bad_option("loops", "must be 1 to 64");
  if (o.loops - 1 > o.partitions) {
    return bad_option("loops", "must be at most partitions + 1: the first owns none of them");
  }
  if (o.roles != Roles()) {
    return make_error(ErrorCode::kUnimplemented,
                      "roles must be all of them: no engine joins several processes yet");
  }
  return {};
}

}  // namespace

Status check_options(const ServerOptions& o) {
  if (o.listen_address.empty()) return bad_option("listen_address", "is empty");
  if (o.tls_certificate_file.empty() != o.tls_key_file.empty()) {
    return bad_option(o.tls_key_file.empty() ? "tls_key_file" : "tls_certificate_file",
                      "is missing");
  }
  if (!o.secret.empty() && o.secret.size() < kSecretBytesMin) {
    return bad_option("secret", "must have at least 32 bytes");
  }
  if (!o.previous_secret.empty() && o.previous_secret.size() < kSecretBytesMin) {
    return bad_option("previous_secret", "must have at least 32 bytes");
  }
  if (!o.authenticator && !o.register_accounts) {
    return bad_option("authenticator",
                      "is missing and register_accounts is off: nobody could sign in");
  }
  if (o.account_token_life.count() <= 0)
    return bad_option("account_token_life", "must be positive");
  if (o.password_cost < limits::password_cost_min || o.password_cost > limits::password_cost_max) {
    return bad_option("password_cost", "must be 10 to 18");
  }
  if (o.password_threads > limits::password_threads_max) {
    return bad_option("password_threads", "must be 0 to 64");
  }
  if (const Status parts = check_partitions(o); !parts) return parts;
  if (o.shards == 0 || o.shards > 64) return bad_option("shards", "must be 1 to 64");
  if (o.handshakes_per_s == 0) return bad_option("handshakes_per_s", "must be positive");
  if (const auto proxies = AddressRanges::parse(o.trusted_proxies); !proxies) {
    return bad_option("trusted_proxies:", proxies.error().message.c_str());
  }
  if (o.proxy_protocol && o.trusted_proxies.empty()) {
    return bad_option("proxy_protocol", "needs trusted_proxies: nobody's word would be taken");
  }
  if (o.heartbeat < std::chrono::seconds(1)) return bad_option("heartbeat", "must be 1 s or more");
  if (o.idle_limit <= o.heartbeat) return bad_option("idle_limit", "must be longer than heartbeat");
  if (o.presence_grace.count() < 0) return bad_option("presence_grace", "must not be negative");
  if (o.lagging_limit.count() <= 0) return bad_option("lagging_limit", "must be positive");
  if (o.send_queue_soft_bytes < limits::frame_bytes_max) {
    return bad_option("send_queue_soft_bytes", "must be 64 KiB or more");
  }
  if (o.send_queue_hard_bytes < o.send_queue_soft_bytes) {
    return bad_option("send_queue_hard_bytes", "must not be below send_queue_soft_bytes");
  }
  constexpr std::uint32_t kRateMax = 10'000'000;  // queries and receipts get a multiple of it
  if (o.account_commands_per_s == 0 || o.account_commands_per_s > kRateMax) {
    return bad_option("account_commands_per_s", "must be 1 to 10,000,000");
  }
  if (o.account_commands_burst == 0 || o.account_commands_burst > kRateMax) {
    return bad_option("account_commands_burst", "must be 1 to 10,000,000");
  }
  if (o.address_registrations_per_h > kRateMax) {
    return bad_option("address_registrations_per_h", "must be 10,000,000 or less");
  }
  if (o.address_failures_per_min > kRateMax) {
    return bad_option("address_failures_per_min", "must be 10,000,000 or less");
  }
  if (o.address_lookups_per_s > kRateMax) {
    return bad_option("address_lookups_per_s", "must be 10,000,000 or less");
  }
  if (o.large_pushes_per_s > kRateMax) {
    return bad_option("large_pushes_per_s", "must be 10,000,000 or less");
  }
  return {};
}

}  // namespace kith::server
