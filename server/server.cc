// Server: a ServerCore on a libuv loop, libwebsockets, and the embedded ports or those that were given.
#include "kith/server/server.h"

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/random.h"
#include "kith/server/ports/server_ports.h"
#include "server/event_log.h"
#include "server/gateway/peer_address.h"
#include "server/kept_secrets.h"
#include "server/offline_accounts.h"
#include "server/operations.h"
#include "server/served_identity.h"
#include "server/server_options.h"
#include "server/server_parts.h"

namespace kith::server {
namespace {

// Closing handshakes on top of a drain's window.
constexpr auto kDrainReserve = std::chrono::seconds(3);
constexpr auto kMetricsWait = std::chrono::seconds(2);

class EmbeddedServer : public Server {
 public:
  explicit EmbeddedServer(ServerOptions options)
      : options_(std::move(options)),
        tls_(!options_.tls_certificate_file.empty()),
        log_(options_.log, system_clock()),
        health_([this](const LogLine& line) { log_.write(line); }, system_clock()) {
    if (options_.log) options_.log = [this](const LogLine& line) { log_.write(line); };
  }
  ~EmbeddedServer() override { stop(); }

  Status open(const ServerPorts& given);

  std::uint16_t port() const override { return port_; }
  std::string url() const override {
    const bool v6 = options_.listen_address.find(':') != std::string::npos &&
                    options_.listen_address.front() != '[';
    const std::string host = v6 ? "[" + options_.listen_address + "]" : options_.listen_address;
    return (tls_ ? "wss://" : "ws://") + host + ":" + std::to_string(port_) + "/v1/ws";
  }
  void drain(std::chrono::milliseconds window) override;
  void stop() override;
  Status revoke(const UserId& user) override { return revoke_on_loop(user, nullptr); }
  Status revoke(const UserId& user, const DeviceId& device) override {
    return revoke_on_loop(user, &device);
  }
  Status reload_certificate() override;
  Status reload(ServerOptions fresh) override;
  Status backup(const std::string& dir) override;
  Status set_password(const UserId& user, std::string_view password) override;
  Status delete_account(const UserId& user) override;
  std::map<std::string, std::uint64_t> stats() const override;
  std::string metrics() const override;
  Readiness readiness() const override { return readiness_of(health_); }
  std::optional<std::uint16_t> admin_port() const override {
    return admin_ ? std::optional(admin_->port()) : std::nullopt;
  }

 private:
  Status read_certificate();
  void warn_about_certificate();
  Status open_admin();
  // On the loop.
  void each_second();
  Status revoke_on_loop(const UserId& user, const DeviceId* device);
  Status ask_core(ServerParts::CoreCall call) {
    if (!running_) return make_error(ErrorCode::kClosed, "the server has stopped");
    return parts_.ask(std::move(call));
  }

  // options_.log is log_. reload() writes the applied options under reload_mutex_.
  ServerOptions options_;
  const bool tls_;
  EventLog log_;
  ServiceHealth health_;
  std::mutex reload_mutex_;
  std::mutex backup_mutex_;
  std::atomic<bool> backup_cancelled_{false};
  ServedIdentity identity_;
  std::unique_ptr<AdminListenerUv> admin_;
  std::uint16_t port_ = 0;    // from open() on
  mutable std::mutex mutex_;  // guards stopped_ against concurrent stop()
  bool stopped_ = false;
  std::atomic<bool> running_{false};
  std::uint32_t seconds_ = 0;
  ServerParts parts_{health_};
};

Status EmbeddedServer::open(const ServerPorts& given) {
  parts_.start(options_.loops);
  Status opened = read_certificate();
  if (opened) opened = open_admin();
  if (opened) {
    parts_.loop().run_sync([&] {
      opened = parts_.open(options_, given, [this] { each_second(); });
      if (opened) port_ = parts_.listener()->port();
    });
  }
  if (!opened) {
    stop();
    return opened;
  }
  running_ = true;
  health_.enter(ServiceHealth::Phase::kServing);
  warn_about_certificate();
  log_.write({LogLevel::kInfo, "ready", "connections are welcome", {{"url", url()}}});
  return {};
}

// Before anything is opened: with a certificate that cannot serve nothing is done at all.
Status EmbeddedServer::read_certificate() {
  if (!tls_) return {};
  auto loaded = TlsIdentity::load(options_.tls_certificate_file, options_.tls_key_file,
                                  system_clock().wall());
  if (!loaded) return loaded.error();
  identity_.set(std::move(*loaded), options_.tls_certificate_file);
  return {};
}

void EmbeddedServer::each_second() {
  constexpr std::uint32_t kSecondsPerSettle = 60;
  constexpr std::uint32_t kSecondsPerDay = 24 * 3'600;
  if (++seconds_ % kSecondsPerSettle == 0) log_.settle();
  if (seconds_ % kSecondsPerDay == 0) warn_about_certificate();
}

// At the start, after a reload, and each day.
void EmbeddedServer::warn_about_certificate() {
  const auto warnings = identity_.warnings(system_clock().wall());
  for (const std::string& warning : warnings.texts) {
    log_.write({LogLevel::kWarning,
                "certificate_warning",
                warning,
                {{"file", warnings.file}, {"subject", warnings.subject}}});
  }
}

Status EmbeddedServer::reload_certificate() {
  if (!running_) return make_error(ErrorCode::kClosed, "the server has stopped");
  if (!tls_) return make_error(ErrorCode::kInvalidArgument, "the server is plain");
  const std::lock_guard one_at_a_time(reload_mutex_);
  auto loaded = TlsIdentity::load(options_.tls_certificate_file, options_.tls_key_file,
                                  system_clock().wall());
  if (!loaded) return loaded.error();
  Status used = make_error(ErrorCode::kClosed, "the server has stopped");
  parts_.loop().run_sync([&] {
    if (parts_.listener() != nullptr) used = parts_.listener()->use_certificate(**loaded);
  });
  if (!used) return used;
  identity_.set(std::move(*loaded), options_.tls_certificate_file);
  warn_about_certificate();
  return {};
}

Status EmbeddedServer::reload(ServerOptions fresh) {
  if (!running_) return make_error(ErrorCode::kClosed, "the server has stopped");
  const std::lock_guard one_at_a_time(reload_mutex_);
  ServerOptions next = options_;
  next.authenticator = std::move(fresh.authenticator);
  next.trusted_proxies = std::move(fresh.trusted_proxies);
  next.tls_certificate_file = std::move(fresh.tls_certificate_file);
  next.tls_key_file = std::move(fresh.tls_key_file);
  const bool kept = fresh.secret.empty() && options_.data_dir.empty();
  if (!kept) {
    next.secret = std::move(fresh.secret);
    next.previous_secret = std::move(fresh.previous_secret);
  }
  if (const Status valid = check_options(next); !valid) return valid;
  if (next.tls_certificate_file.empty() == tls_) {
    return bad_option("tls_certificate_file", "decides at the start whether the server is plain");
  }
  if (const Status secrets = settle_secrets(next); !secrets) return secrets;
  const auto trusted = AddressRanges::parse(next.trusted_proxies);
  if (!trusted) return trusted.error();
  std::shared_ptr<const TlsIdentity> identity;
  if (tls_) {
    auto loaded =
        TlsIdentity::load(next.tls_certificate_file, next.tls_key_file, system_clock().wall());
    if (!loaded) return loaded.error();
    identity = std::move(*loaded);
  }
  Status used = make_error(ErrorCode::kClosed, "the server has stopped");
  parts_.loop().run_sync([&] {
    if (parts_.listener() == nullptr || parts_.core() == nullptr) return;
    used = identity ? parts_.listener()->use_certificate(*identity) : Status();
    if (!used) return;
    parts_.listener()->use_trusted_proxies(*trusted);
    parts_.core()->use_sign_in(next);
  });
  if (!used) return used;
  options_.tls_certificate_file = std::move(next.tls_certificate_file);
  options_.tls_key_file = std::move(next.tls_key_file);
  identity_.set(std::move(identity), options_.tls_certificate_file);
  options_.authenticator = std::move(next.authenticator);
  options_.trusted_proxies = std::move(next.trusted_proxies);
  options_.secret = std::move(next.secret);
  options_.previous_secret = std::move(next.previous_secret);
  warn_about_certificate();
  return {};
}

Status EmbeddedServer::backup(const std::string& dir) {
  const std::unique_lock alone(backup_mutex_, std::try_to_lock);
  if (!alone) return make_error(ErrorCode::kAlreadyOpen, "another backup is being made");
  if (!running_) return make_error(ErrorCode::kClosed, "the server has stopped");
  if (parts_.loop().on_loop_thread()) {
    return make_error(ErrorCode::kInvalidArgument, "backup() waits: not on the server's own loop");
  }
  const std::int64_t begun = system_clock().steady_ms();
  log_.write({LogLevel::kInfo, "backup_started", "", {{"dir", dir}}});
  Status done =
      ask_core([](ServerCore& core, Done<void> held) { core.hold_log(true, std::move(held)); });
  if (done) done = parts_.stores()->backup(dir, backup_cancelled_);
  parts_.loop().post([this] {
    if (parts_.core() != nullptr) parts_.core()->hold_log(false, [](const Status&) {});
  });
  const std::string took = std::to_string(system_clock().steady_ms() - begun);
  if (done) {
    log_.write({LogLevel::kInfo, "backup_done", "", {{"dir", dir}, {"took_ms", took}}});
  } else {
    log_.write({LogLevel::kError,
                "backup_failed",
                done.error().message,
                {{"dir", dir}, {"code", std::string(to_string(done.error().code))}}});
  }
  return done;
}

// First of all: it says "starting" while the journal is read.
Status EmbeddedServer::open_admin() {
  if (!options_.admin_port) return {};
  auto opened = AdminListenerUv::open(
      options_.admin_address, *options_.admin_port, [this](std::string_view path) {
        return answer_operator(path, health_, [this] { return metrics(); });
      });
  if (!opened) return opened.error();
  admin_ = std::move(*opened);
  return {};
}

void EmbeddedServer::drain(std::chrono::milliseconds window) {
  if (!running_) return;
  health_.enter(ServiceHealth::Phase::kDraining);
  auto finished = std::make_shared<std::promise<void>>();
  auto over = finished->get_future();
  parts_.loop().post([this, window, finished] {
    if (parts_.core() == nullptr || parts_.listener() == nullptr) {
      finished->set_value();
      return;
    }
    parts_.listener()->stop_accepting();
    parts_.core()->drain(window, [finished] { finished->set_value(); });
  });
  over.wait_for(window + kDrainReserve);
}

void EmbeddedServer::stop() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true)) return;
  running_ = false;
  backup_cancelled_ = true;
  const std::lock_guard no_backup(backup_mutex_);
  health_.enter(ServiceHealth::Phase::kStopped);
  admin_.reset();  // it may be waiting for the loop
  parts_.close();
  parts_.stop();
}

// Waits for the loop, but not for long: one that is busy for seconds has other cares.
std::string EmbeddedServer::metrics() const {
  if (!running_) return "";
  auto made = std::make_shared<std::promise<std::string>>();
  auto text = made->get_future();
  parts_.loop().post([this, made] {
    MetricsText metrics;
    add_health(metrics, health_, readiness());
    if (const auto until = identity_.valid_until()) {
      metrics.value("kith_tls_certificate_expiry_timestamp_seconds", MetricsText::Type::kGauge,
                    "When the certificate ends, in seconds since 1970.",
                    static_cast<double>(until->ms / 1'000));
    }
    parts_.add_metrics(metrics);
    metrics.process();
    made->set_value(metrics.text());
  });
  if (text.wait_for(kMetricsWait) != std::future_status::ready) return "";
  try {
    return text.get();
  } catch (const std::future_error&) {  // the loop ended first
    return "";
  }
}

Status EmbeddedServer::revoke_on_loop(const UserId& user, const DeviceId* device) {
  const std::optional<DeviceId> id = device ? std::optional(*device) : std::nullopt;
  return ask_core([user, id](ServerCore& core, Done<void> done) {
    core.revoke(user, id ? &*id : nullptr, std::move(done));
  });
}

Status EmbeddedServer::set_password(const UserId& user, std::string_view password) {
  if (Status fits = check_new_password(password); !fits) return fits;
  return ask_core([user, text = std::string(password)](ServerCore& core, Done<void> done) {
    core.set_password(user, text, std::move(done));
  });
}

Status EmbeddedServer::delete_account(const UserId& user) {
  return ask_core(
      [user](ServerCore& core, Done<void> done) { core.delete_account(user, std::move(done)); });
}

std::map<std::string, std::uint64_t> EmbeddedServer::stats() const {
  std::map<std::string, std::uint64_t> result;
  if (!running_) return result;
  parts_.loop().run_sync([&] { parts_.add_stats(result); });
  return result;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  return start(std::move(options), ServerPorts());
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, const ServerPorts& ports) {
  if (const Status valid = check_options(options); !valid) return valid.error();
  if (const Status fit = check_ports(options.data_dir, ports); !fit) return fit.error();
  auto server = std::make_unique<EmbeddedServer>(std::move(options));
  if (const Status opened = server->open(ports); !opened) return opened.error();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace kith::server
