// kithd without a subcommand: runs the server until a signal ends it.
#include "server/daemon/serve.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "kith/core/export.h"
#include "kith/core/time.h"
#include "kith/server/dev_certificate.h"
#include "kith/server/server.h"
#include "server/daemon/config.h"
#include "server/daemon/log_output.h"
#include "server/daemon/surroundings.h"

namespace kith::server::daemon {
namespace {

constexpr auto kDrainWindow = std::chrono::seconds(2);

int fail(const Error& error) {
  std::fprintf(stderr, "kithd: %s\n", error.to_string().c_str());
  return error.code == ErrorCode::kBadConfig ? 2 : 1;
}

// What is not plain ServerOptions: the development certificate and the secret of the host's tokens.
Status prepare(Config& config, std::string& ca_file) {
  auto& options = config.options;
  if (config.plain) {
    options.tls_certificate_file.clear();
    options.tls_key_file.clear();
  } else if (config.dev && options.tls_certificate_file.empty()) {
    auto made = ensure_dev_certificate(options.data_dir);
    if (!made) return made.error();
    options.tls_certificate_file = made->certificate_file;
    options.tls_key_file = made->key_file;
    ca_file = made->ca_file;
  } else if (options.tls_certificate_file.empty()) {
    return make_error(ErrorCode::kBadConfig,
                      "--certificate and --key are missing (or --plain, or --dev)");
  }
  if (config.dev) options.register_accounts = true;
  if (!config.token_secret_file.empty()) {
    auto secret = read_small_file(config.token_secret_file);
    if (!secret) return secret.error();
    while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) {
      secret->pop_back();
    }
    auto made = jwt_authenticator(*secret);
    if (!made) return made.error();
    options.authenticator = std::move(*made);
  }
  if (!options.authenticator && !options.register_accounts) {
    return make_error(ErrorCode::kBadConfig,
                      "nobody could sign in: set --accounts or --token-secret-file");
  }
  return {};
}

// Blocked before any thread starts, so that only the main thread sees them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int run(Config& config) {
  // More shards are more threads that would wait for each other at one heap.
  if (config.options.shards == 1) use_large_pages();
  raise_descriptor_limit(config.options.connections_max);
  const sigset_t signals = block_signals();
  LogOutput log(config.log_format, config.log_level, STDERR_FILENO, system_clock());
  config.options.log = [&log](const LogLine& line) { log.write(line); };
  std::string ca_file;
  if (const Status ready = prepare(config, ca_file); !ready) return fail(ready.error());
  auto server = Server::start(config.options);
  if (!server) return fail(server.error());
  std::printf("listening on %s\n", (*server)->url().c_str());
  if (const auto port = (*server)->admin_port()) {
    std::printf("operators ask at http://%s:%u\n", config.options.admin_address.c_str(), *port);
  }
  if (!ca_file.empty()) std::printf("clients trust it with the CA file %s\n", ca_file.c_str());
  std::fflush(stdout);

  int received = 0;
  sigwait(&signals, &received);
  log.write({LogLevel::kInfo,
             "stopping",
             "the server says goodbye to all",
             {{"signal", sigabbrev_np(received)}}});
  (*server)->drain(kDrainWindow);
  (*server)->stop();
  log.write({LogLevel::kInfo, "stopped", "", {}});
  return 0;
}

}  // namespace

int serve(const std::vector<std::string>& arguments) {
  auto config = parse_arguments(arguments);
  if (!config) return fail(config.error());
  if (config->help) {
    std::fputs(std::string(help_text()).c_str(), stdout);
    return 0;
  }
  if (config->version) {
    std::printf("kithd %s\n", version());
    return 0;
  }
  return run(*config);
}

}  // namespace kith::server::daemon
