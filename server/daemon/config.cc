// The daemon's settings: flags and the configuration file.
#include "server/daemon/config.h"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace kith::server::daemon {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024;
// About 3 ms: a server for trying out signs in hundreds of people at once.
constexpr std::uint32_t kDevPasswordCost = limits::password_cost_min;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (value < min || value > max) return std::nullopt;
  return value;
}

std::string_view level_name(LogLevel level) {
  constexpr std::string_view kNames[] = {"error", "warning", "info", "debug"};
  return kNames[static_cast<std::size_t>(level)];
}

// A sentence about what is wrong with the value; empty if nothing is.
using Setter = std::function<std::string(Config&, std::string_view)>;

Setter text(std::string ServerOptions::*member) {
  return [member](Config& config, std::string_view value) -> std::string {
    if (value.empty()) return "is empty";
    config.options.*member = std::string(value);
    return "";
  };
}

template <class T>
Setter count(T ServerOptions::*member, std::uint64_t min, std::uint64_t max) {
  return [member, min, max](Config& config, std::string_view value) -> std::string {
    const auto parsed = number(value, min, max);
    if (!parsed) {
      return "is not a number from " + std::to_string(min) + " to " + std::to_string(max);
    }
    config.options.*member = static_cast<T>(*parsed);
    return "";
  };
}

Setter yes_no(std::function<void(Config&, bool)> set) {
  return [set = std::move(set)](Config& config, std::string_view value) -> std::string {
    if (value != "yes" && value != "no") return "is neither yes nor no";
    set(config, value == "yes");
    return "";
  };
}

const std::map<std::string, Setter, std::less<>>& fields() {
  static const std::map<std::string, Setter, std::less<>> kFields = {
      {"listen", text(&ServerOptions::listen_address)},
      {"port", count(&ServerOptions::port, 0, 65'535)},
      {"data", text(&ServerOptions::data_dir)},
      {"certificate", text(&ServerOptions::tls_certificate_file)},
      {"key", text(&ServerOptions::tls_key_file)},
      {"shards", count(&ServerOptions::shards, 1, 256)},
      {"connections-max", count(&ServerOptions::connections_max, 0, 10'000'000)},
      {"handshakes-per-s", count(&ServerOptions::handshakes_per_s, 1, 1'000'000)},
      {"password-cost",
       count(&ServerOptions::password_cost, limits::password_cost_min, limits::password_cost_max)},
      {"password-threads",
       count(&ServerOptions::password_threads, 0, limits::password_threads_max)},
      {"commands-per-s", count(&ServerOptions::account_commands_per_s, 1, 1'000'000)},
      {"commands-burst", count(&ServerOptions::account_commands_burst, 1, 1'000'000)},
      {"registrations-per-h",
       count(&ServerOptions::address_registrations_per_h, 0, 1'000'000)},
      {"failures-per-min", count(&ServerOptions::address_failures_per_min, 0, 1'000'000)},
      {"lookups-per-s", count(&ServerOptions::address_lookups_per_s, 0, 1'000'000)},
      {"large-pushes-per-s", count(&ServerOptions::large_pushes_per_s, 0, 1'000'000)},
      {"accounts", yes_no([](Config& c, bool on) { c.options.register_accounts = on; })},
      {"search", yes_no([](Config& c, bool on) { c.options.search = on; })},
      {"plain", yes_no([](Config& c, bool on) { c.plain = on; })},
      {"share-port", yes_no([](Config& c, bool on) { c.options.share_port = on; })},
      {"admin-address", text(&ServerOptions::admin_address)},
      {"admin-port",
       [](Config& c, std::string_view value) -> std::string {
         const auto port = number(value, 0, 65'535);
         if (!port) return "is not a number from 0 to 65535";
         c.options.admin_port = static_cast<std::uint16_t>(*port);
         return "";
       }},
      {"log-format",
       [](Config& c, std::string_view value) -> std::string {
         if (value != "text" && value != "json") return "is neither text nor json";
         c.log_format = value == "json" ? LogFormat::kJson : LogFormat::kText;
         return "";
       }},
      {"log-level",
       [](Config& c, std::string_view value) -> std::string {
         for (const LogLevel level :
              {LogLevel::kError, LogLevel::kWarning, LogLevel::kInfo, LogLevel::kDebug}) {
           if (value != level_name(level)) continue;
           c.log_level = level;
           return "";
         }
         return "is none of error, warning, info, debug";
       }},
      {"token-secret-file",
       [](Config& c, std::string_view value) -> std::string {
         if (value.empty()) return "is empty";
         c.token_secret_file = std::string(value);
         return "";
       }},
  };
  return kFields;
}

// Empty, or what is wrong.
std::string set_field(Config& config, std::string_view key, std::string_view value) {
  const auto field = fields().find(key);
  if (field == fields().end()) return "no such setting: " + std::string(key);
  const std::string wrong = field->second(config, value);
  return wrong.empty() ? "" : std::string(key) + " " + wrong;
}

// Flags that take no value.
bool set_switch(Config& config, std::string_view name) {
  if (name == "dev") {
    config.dev = true;
    config.options.password_cost = kDevPasswordCost;  // a setting that is named wins
  } else if (name == "help") {
    config.help = true;
  } else if (name == "version") {
    config.version = true;
  } else if (name == "plain") {
    config.plain = true;
  } else if (name == "share-port") {
    config.options.share_port = true;
  } else if (name == "accounts") {
    config.options.register_accounts = true;
  } else {
    return false;
  }
  return true;
}

struct Flag {
  std::string name, value;
};

Result<std::vector<Flag>> split(const std::vector<std::string>& arguments, Config& config) {
  std::vector<Flag> flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-h") argument = "--help";
    if (argument.substr(0, 2) != "--") {
      return make_error(ErrorCode::kBadConfig, "unexpected argument: " + arguments[i]);
    }
    argument.remove_prefix(2);
    if (set_switch(config, argument)) continue;
    const auto equals = argument.find('=');
    if (equals != std::string_view::npos) {
      flags.push_back(
          {std::string(argument.substr(0, equals)), std::string(argument.substr(equals + 1))});
    } else if (i + 1 < arguments.size()) {
      flags.push_back({std::string(argument), arguments[++i]});
    } else {
      return make_error(ErrorCode::kBadConfig, "--" + std::string(argument) + " needs a value");
    }
  }
  return flags;
}

}  // namespace

Status read_config(std::string_view name, std::string_view content, Config& config) {
  std::size_t line_number = 0;
  while (!content.empty()) {
    const auto end = content.find('\n');
    std::string_view line = trim(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    const std::string place = std::string(name) + ":" + std::to_string(line_number) + ": ";
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return make_error(ErrorCode::kBadConfig, place + "expected `name = value`");
    }
    const std::string wrong =
        set_field(config, trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
    if (!wrong.empty()) return make_error(ErrorCode::kBadConfig, place + wrong);
  }
  return {};
}

Result<std::string> read_small_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(kFileBytesMax + 1, '\0');
  if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    return make_error(ErrorCode::kIo, path + ": cannot be read");
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kFileBytesMax) return make_error(ErrorCode::kIo, path + ": is too large");
  return content;
}

Result<Config> parse_arguments(const std::vector<std::string>& arguments) {
  Config config;
  config.options.data_dir = "kith-data";
  const auto flags = split(arguments, config);
  if (!flags) return flags.error();
  for (const Flag& flag : *flags) {
    if (flag.name != "config") continue;
    config.config_file = flag.value;
    const auto content = read_small_file(flag.value);
    if (!content) return content.error();
    const Config switches = config;
    if (const Status read = read_config(flag.value, *content, config); !read) return read.error();
    config.plain = config.plain || switches.plain;
    config.options.register_accounts |= switches.options.register_accounts;
  }
  for (const Flag& flag : *flags) {
    if (flag.name == "config") continue;
    const std::string wrong = set_field(config, flag.name, flag.value);
    if (!wrong.empty()) return make_error(ErrorCode::kBadConfig, "--" + wrong);
  }
  return config;
}

std::string_view help_text() {
  return R"(kithd - a Kith messenger server

  kithd --dev                            try it out: TLS with its own certificate, accounts on
  kithd --config /etc/kithd.conf         the settings below without dashes, one `name = value` per line
  kithd --data DIR --certificate FILE --key FILE --token-secret-file FILE

Where it listens
  --listen ADDRESS          default 127.0.0.1
  --port N                  default 8443; 0 takes a free one and prints it
  --certificate FILE        PEM certificate chain
  --key FILE                PEM key
  --plain                   no TLS: only behind a proxy that has it
  --share-port              other servers with this setting may use the port; each has its own data

What it keeps
  --data DIR                default ./kith-data

Who may come in
  --accounts                people register with handle and password
  --password-cost N         log2 of scrypt's N for new passwords, 10 to 18, default 15; --dev: 10
  --password-threads N      threads that hash passwords, 0 to 64; default 0: one per core, at most 2
  --token-secret-file FILE  accept JSON Web Tokens (HS256) signed with this secret of 32 bytes or more

How much it takes
  --shards N                event loops for sockets, default 1
  --connections-max N       default: what the descriptor limit allows
  --handshakes-per-s N      default 5000
  --commands-per-s N        of one account, on average; default 50
  --commands-burst N        of one account, at once; default 200
  --registrations-per-h N   new accounts of one address, default 600; 0: any number
  --failures-per-min N      failed sign-ins of one address, default 30; 0: any number
  --lookups-per-s N         people looked up by one address, default 500; 0: any number
  --search no               people cannot search their history; default yes
  --large-pushes-per-s N    events for those who only listen in large groups; default 20000

What it tells
  --log-format text|json    of the lines on standard error, default text
  --log-level LEVEL         error, warning, info or debug; default info
  --admin-port N            a second listener, plain HTTP: /health, /ready, /metrics; default: none
  --admin-address ADDRESS   default 127.0.0.1; whoever reaches it sees how much is said

  --dev  --help  --version

SIGTERM and SIGINT say goodbye to every client, then end the server.
)";
}

}  // namespace kith::server::daemon
