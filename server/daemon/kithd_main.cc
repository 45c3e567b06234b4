// kithd: the messenger server as a program.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/server/dev_certificate.h"
#include "kith/server/server.h"
#include "server/daemon/config.h"
#include "server/daemon/heap.h"

namespace {

using kith::server::daemon::Config;

constexpr auto kDrainWindow = std::chrono::seconds(2);

int fail(const kith::Error& error) {
  std::fprintf(stderr, "kithd: %s\n", error.to_string().c_str());
  return error.code == kith::ErrorCode::kBadConfig ? 2 : 1;
}

// What is not plain ServerOptions: the development certificate and the secret of the host's tokens.
kith::Status prepare(Config& config, std::string& ca_file) {
  auto& options = config.options;
  if (config.plain) {
    options.tls_certificate_file.clear();
    options.tls_key_file.clear();
  } else if (config.dev && options.tls_certificate_file.empty()) {
    auto made = kith::server::ensure_dev_certificate(options.data_dir);
    if (!made) return made.error();
    options.tls_certificate_file = made->certificate_file;
    options.tls_key_file = made->key_file;
    ca_file = made->ca_file;
  } else if (options.tls_certificate_file.empty()) {
    return kith::make_error(kith::ErrorCode::kBadConfig,
                            "--certificate and --key are missing (or --plain, or --dev)");
  }
  if (config.dev) options.register_accounts = true;
  if (!config.token_secret_file.empty()) {
    auto secret = kith::server::daemon::read_small_file(config.token_secret_file);
    if (!secret) return secret.error();
    while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) {
      secret->pop_back();
    }
    auto made = kith::server::jwt_authenticator(*secret);
    if (!made) return made.error();
    options.authenticator = std::move(*made);
  }
  if (!options.authenticator && !options.register_accounts) {
    return kith::make_error(kith::ErrorCode::kBadConfig,
                            "nobody could sign in: set --accounts or --token-secret-file");
  }
  options.log = [](kith::server::LogLevel, std::string_view line) {
    std::fprintf(stderr, "kithd: %.*s\n", static_cast<int>(line.size()), line.data());
  };
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  auto config =
      kith::server::daemon::parse_arguments(std::vector<std::string>(argv + 1, argv + argc));
  if (!config) return fail(config.error());
  if (config->help) {
    std::fputs(std::string(kith::server::daemon::help_text()).c_str(), stdout);
    return 0;
  }
  if (config->version) {
    std::printf("kithd %s\n", kith::version());
    return 0;
  }
  // More shards are more threads that would wait for each other at one heap.
  if (config->options.shards == 1) kith::server::daemon::use_large_pages(argv);
  // Blocked before any thread starts, so that only this one sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  std::string ca_file;
  if (const kith::Status ready = prepare(*config, ca_file); !ready) return fail(ready.error());
  auto server = kith::server::Server::start(config->options);
  if (!server) return fail(server.error());
  std::printf("listening on %s\n", (*server)->url().c_str());
  if (!ca_file.empty()) std::printf("clients trust it with the CA file %s\n", ca_file.c_str());
  std::fflush(stdout);

  int received = 0;
  sigwait(&signals, &received);
  std::fprintf(stderr, "kithd: %s, saying goodbye\n", strsignal(received));
  (*server)->drain(kDrainWindow);
  (*server)->stop();
  return 0;
}
