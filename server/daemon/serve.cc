// kithd without a subcommand: runs the server until a signal ends it.
#include "server/daemon/serve.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include "kith/core/export.h"
#include "kith/core/time.h"
#include "kith/server/certificate.h"
#include "kith/server/dev_certificate.h"
#include "kith/server/server.h"
#include "server/daemon/account_command.h"
#include "server/daemon/config.h"
#include "server/daemon/control_socket.h"
#include "server/daemon/log_output.h"
#include "server/daemon/surroundings.h"
#include "server/daemon/systemd_notify.h"
#include "server/daemon/tool_flags.h"
#include "src/secrets_posix.h"

namespace kith::server::daemon {
namespace {

constexpr auto kDrainWindow = std::chrono::seconds(2);

int fail(const Error& error) {
  std::fprintf(stderr, "kithd: %s\n", error.to_string().c_str());
  return error.code == ErrorCode::kBadConfig ? 2 : 1;
}

Error with_place(const Config& config, const char* setting, const Error& error) {
  return make_error(ErrorCode::kBadConfig, config.place(setting) + ": " + error.message);
}

// Certificate and key can serve, or the place of what cannot.
Status check_tls(const Config& config) {
  const ServerOptions& options = config.options;
  if (options.tls_certificate_file.empty() || options.tls_key_file.empty()) {
    const char* missing = options.tls_certificate_file.empty() ? "certificate" : "key";
    const char* given = options.tls_certificate_file.empty() ? "key" : "certificate";
    return make_error(ErrorCode::kBadConfig,
                      config.place(given) + " is set and " + missing + " is not");
  }
  const auto found = check_certificate(options.tls_certificate_file, options.tls_key_file);
  if (found) return {};
  const bool of_key = found.error().message.starts_with(options.tls_key_file + ":");
  return with_place(config, of_key ? "key" : "certificate", found.error());
}

// Secrets of this server and of the host, from files that nobody else can read.
Status read_secrets(Config& config) {
  JwtOptions tokens;
  struct File {
    const char* setting;
    const std::string& name;
    std::string& content;
  };
  const File files[] = {
      {"secret-file", config.secret_file, config.options.secret},
      {"previous-secret-file", config.previous_secret_file, config.options.previous_secret},
      {"token-secret-file", config.token_secret_file, tokens.secret},
      {"token-previous-secret-file", config.token_previous_secret_file, tokens.previous_secret}};
  for (const File& file : files) {
    if (file.name.empty()) continue;
    auto secret = read_secret_file(file.name);
    if (!secret) return with_place(config, file.setting, secret.error());
    file.content = std::move(*secret);
  }
  if (config.token_secret_file.empty()) {
    const bool more = !config.token_previous_secret_file.empty() ||
                      !config.token_audience.empty() || !config.token_issuer.empty();
    if (!more) return {};
    return make_error(ErrorCode::kBadConfig,
                      "--token-audience, --token-issuer and --token-previous-secret-file need "
                      "--token-secret-file");
  }
  tokens.audience = config.token_audience;
  tokens.issuer = config.token_issuer;
  auto made = jwt_authenticator(std::move(tokens));
  if (!made) return with_place(config, "token-secret-file", made.error());
  config.options.authenticator = std::move(*made);
  return {};
}

// The settings beyond ServerOptions: the development certificate and the secret of the host's tokens.
Status prepare(Config& config, std::string& ca_file) {
  auto& options = config.options;
  const bool certificate = !options.tls_certificate_file.empty() || !options.tls_key_file.empty();
  if (!config.plain && config.dev && !certificate) {
    auto made = ensure_dev_certificate(options.data_dir);
    if (!made) return made.error();
    options.tls_certificate_file = made->certificate_file;
    options.tls_key_file = made->key_file;
    ca_file = made->ca_file;
  } else if (!config.plain && !certificate) {
    return make_error(ErrorCode::kBadConfig,
                      "--certificate and --key are missing (or --plain, or --dev)");
  } else if (!config.plain) {
    if (Status good = check_tls(config); !good) return good;
  }
  if (const Status secrets = read_secrets(config); !secrets) return secrets;
  if (!options.authenticator && !options.register_accounts) {
    return make_error(ErrorCode::kBadConfig,
                      "nobody could sign in: set --accounts or --token-secret-file");
  }
  return {};
}

// Settings that are read again at SIGHUP.
struct Reloaded {
  std::string_view setting;
  void (*take)(Config& next, const Config& fresh);
};

template <auto kMember>
void take(Config& next, const Config& fresh) {
  next.*kMember = fresh.*kMember;
}

template <auto kMember>
void take_option(Config& next, const Config& fresh) {
  next.options.*kMember = fresh.options.*kMember;
}

constexpr Reloaded kReloaded[] = {
    {"log-level", take<&Config::log_level>},
    {"certificate", take_option<&ServerOptions::tls_certificate_file>},
    {"key", take_option<&ServerOptions::tls_key_file>},
    {"previous-secret-file", take<&Config::previous_secret_file>},
    {"secret-file", take<&Config::secret_file>},
    {"token-audience", take<&Config::token_audience>},
    {"token-issuer", take<&Config::token_issuer>},
    {"token-previous-secret-file", take<&Config::token_previous_secret_file>},
    {"token-secret-file", take<&Config::token_secret_file>},
    {"trusted-proxies", take_option<&ServerOptions::trusted_proxies>},
};

bool is_reloaded(std::string_view setting) {
  return std::any_of(std::begin(kReloaded), std::end(kReloaded),
                     [&](const Reloaded& one) { return one.setting == setting; });
}

// The settings of the start, but for those that are read again.
Config taken_over(const Config& before, const Config& fresh) {
  Config next = before;
  for (const Reloaded& one : kReloaded) one.take(next, fresh);
  next.options.authenticator.reset();  // prepare() makes these of the files
  next.options.secret.clear();
  next.options.previous_secret.clear();
  next.places = fresh.places;
  return next;
}

// Every signal that would end the process, but those that tell of a fault in it: none ends it
// without a goodbye. Blocked before any thread starts, so that only the main thread sees them.
sigset_t block_signals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int kept : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGKILL,
                         SIGSTOP, SIGTSTP, SIGCONT, SIGCHLD, SIGWINCH, SIGURG, SIGPIPE}) {
    sigdelset(&signals, kept);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

bool ends(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGPWR ||
         signal == SIGXCPU;
}

std::string name_of(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? std::to_string(signal) : name;
}

// A server that runs, and what signals make of it.
class Running {
 public:
  Running(const Config& config, const std::vector<std::string>& arguments, LogOutput& log,
          SystemdNotify& systemd, Server& server)
      : config_(config), arguments_(arguments), log_(log), systemd_(systemd), server_(server) {}

  // Returns when a signal has ended it.
  void until_ended(const sigset_t& signals) {
    for (;;) {
      const int signal = next(signals);
      if (ends(signal)) return stop(signal);
      if (signal == SIGHUP) {
        reload();
      } else if (signal == SIGUSR1) {
        log_status();
      } else if (signal > 0) {
        log_.write({LogLevel::kInfo, "signal_ignored", "", {{"signal", name_of(signal)}}});
      }
    }
  }

 private:
  // 0: it is time for a sign of life.
  int next(const sigset_t& signals) {
    const auto watchdog = systemd_.watchdog();
    if (!watchdog) {
      int received = 0;
      return sigwait(&signals, &received) == 0 ? received : 0;
    }
    timespec wait{};
    wait.tv_sec = static_cast<time_t>(watchdog->count() / 1'000'000);
    wait.tv_nsec = static_cast<long>(watchdog->count() % 1'000'000) * 1'000;
    const int received = sigtimedwait(&signals, nullptr, &wait);
    const auto reasons = server_.readiness().reasons;
    const bool stuck = std::find(reasons.begin(), reasons.end(), "loop_stalled") != reasons.end();
    if (!stuck) systemd_.notify("WATCHDOG=1");
    return std::max(received, 0);
  }

  void stop(int signal) {
    systemd_.notify("STOPPING=1");
    log_.write({LogLevel::kInfo,
                "stopping",
                "the server says goodbye to all",
                {{"signal", name_of(signal)}}});
    server_.drain(kDrainWindow);
    server_.stop();
    log_.write({LogLevel::kInfo, "stopped", "", {}});
  }

  void reload() {
    systemd_.reloading();
    if (const auto settings = reload_all(); settings) {
      log_.write({LogLevel::kInfo,
                  "reloaded",
                  "these settings and their files were read again",
                  {{"settings", *settings}}});
    } else {
      log_.write({LogLevel::kError,
                  "reload_failed",
                  settings.error().message + "; everything stays as it was",
                  {{"code", std::string(to_string(settings.error().code))}}});
    }
    systemd_.notify("READY=1");
  }

  // The settings that were read again, with commas.
  Result<std::string> reload_all() {
    const auto fresh = parse_arguments(arguments_);
    if (!fresh) return fresh.error();
    Config next = taken_over(config_, *fresh);
    std::string ca_file;
    if (const Status ready = prepare(next, ca_file); !ready) return ready.error();
    if (const Status taken = server_.reload(next.options); !taken) return taken.error();
    log_.set_level(next.log_level);
    log_waiting(*fresh);
    std::string read = "log-level";
    for (const Reloaded& one : kReloaded) {
      const bool given = fresh->values.contains(std::string(one.setting));
      if (given && one.setting != "log-level") read.append(",").append(one.setting);
    }
    return read;
  }

  void log_waiting(const Config& fresh) {
    std::string waiting;  // for the next start
    for (const std::string& setting : changed_settings(config_, fresh)) {
      if (is_reloaded(setting)) continue;
      waiting.append(waiting.empty() ? "" : ",").append(setting);
    }
    if (!waiting.empty()) {
      log_.write({LogLevel::kWarning,
                  "restart_needed",
                  "these settings have changed, and are read at the start only",
                  {{"settings", waiting}}});
    }
  }

  void log_status() {
    LogLine line{LogLevel::kInfo, "status", "", {}};
    for (const auto& [name, value] : server_.stats()) {
      line.fields.push_back({name, std::to_string(value)});
    }
    log_.write(line);
  }

  const Config& config_;
  const std::vector<std::string>& arguments_;
  LogOutput& log_;
  SystemdNotify& systemd_;
  Server& server_;
};

// Requests through the control socket.
Result<std::string> obey(Server& server, std::string_view order) {
  constexpr std::string_view kBackup = "backup ";
  if (order.starts_with(kBackup)) {
    if (Status done = server.backup(std::string(order.substr(kBackup.size()))); !done) {
      return done.error();
    }
    return std::string("done");
  }
  if (is_account_order(order)) return obey_account(server, order);
  return make_error(ErrorCode::kUnimplemented, "this kithd does not know the order");
}

int run(Config& config, const std::vector<std::string>& arguments) {
  // More shards are more threads that would wait for each other at one heap.
  if (config.options.shards == 1) use_large_pages();
  if (!config.core_dumps) forbid_core_dumps();
  raise_descriptor_limit(config.options.connections_max);
  const sigset_t signals = block_signals();
  SystemdNotify systemd;
  LogOutput log(config.log_format, config.log_level, STDERR_FILENO, system_clock());
  config.options.log = [&log](const LogLine& line) { log.write(line); };
  std::string ca_file;
  if (const Status ready = prepare(config, ca_file); !ready) return fail(ready.error());
  log.write({LogLevel::kInfo,
             "starting",
             "",
             {{"version", version()}, {"data", config.options.data_dir}}});
  auto server = Server::start(config.options);
  if (!server) return fail(server.error());
  std::printf("listening on %s\n", (*server)->url().c_str());
  if (const auto port = (*server)->admin_port()) {
    std::printf("operators ask at http://%s:%u\n", config.options.admin_address.c_str(), *port);
  }
  if (!ca_file.empty()) std::printf("clients trust it with the CA file %s\n", ca_file.c_str());
  std::fflush(stdout);
  auto control = ControlSocket::open(
      config.options.data_dir, [&server](std::string_view order) { return obey(**server, order); });
  if (!control) {
    log.write({LogLevel::kWarning, "control_failed", control.error().message, {}});
  }
  systemd.notify("READY=1");
  Running(config, arguments, log, systemd, **server).until_ended(signals);
  return 0;
}

}  // namespace

int serve(const std::vector<std::string>& arguments) {
  auto config = parse_arguments(arguments);
  if (!config) return fail(config.error());
  if (config->help || config->version) {
    const Status printed =
        print(config->help ? std::string(help_text()) : std::string("kithd ") + version() + "\n");
    return printed ? 0 : fail(printed.error());
  }
  return run(*config, arguments);
}

}  // namespace kith::server::daemon
