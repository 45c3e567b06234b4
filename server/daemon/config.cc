// The daemon's settings: flags and the configuration file.
#include "server/daemon/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "server/daemon/list_settings.h"
#include "src/secrets_posix.h"
#include "src/utf8.h"

namespace kith::server::daemon {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024;
constexpr std::size_t kNameShown = 40;  // of a setting that nobody knows
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

// An IP address, IPv6 also in brackets as in a URL.
Setter address(std::string ServerOptions::*member) {
  return [member](Config& config, std::string_view value) -> std::string {
    const bool brackets = value.size() > 2 && value.front() == '[' && value.back() == ']';
    if (brackets) value = value.substr(1, value.size() - 2);
    const std::string host(value);
    in6_addr bytes{};
    const bool v4 = !brackets && inet_pton(AF_INET, host.c_str(), &bytes) == 1;
    // With a zone: "fe80::1%eth0".
    const std::string without_zone = host.substr(0, host.find('%'));
    if (!v4 && inet_pton(AF_INET6, without_zone.c_str(), &bytes) != 1) {
      return "is no IP address, e.g. 127.0.0.1, 0.0.0.0 or ::1";
    }
    config.options.*member = host;
    return "";
  };
}

Setter text(std::string Config::*member) {
  return [member](Config& config, std::string_view value) -> std::string {
    if (value.empty()) return "is empty";
    config.*member = std::string(value);
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
      {"listen", address(&ServerOptions::listen_address)},
      {"port", count(&ServerOptions::port, 0, 65'535)},
      {"data", text(&ServerOptions::data_dir)},
      {"certificate", text(&ServerOptions::tls_certificate_file)},
      {"key", text(&ServerOptions::tls_key_file)},
      {"partitions", count(&ServerOptions::partitions, 1, limits::partitions_max)},
      {"loops", count(&ServerOptions::loops, 1, limits::loops_max)},
      {"roles",
       [](Config& c, std::string_view value) { return read_roles(value, c.options.roles); }},
      {"shards", count(&ServerOptions::shards, 1, 64)},
      {"connections-max", count(&ServerOptions::connections_max, 0, 10'000'000)},
      {"handshakes-per-s", count(&ServerOptions::handshakes_per_s, 1, 1'000'000)},
      {"password-cost",
       count(&ServerOptions::password_cost, limits::password_cost_min, limits::password_cost_max)},
      {"password-threads",
       count(&ServerOptions::password_threads, 0, limits::password_threads_max)},
      {"commands-per-s", count(&ServerOptions::account_commands_per_s, 1, 1'000'000)},
      {"commands-burst", count(&ServerOptions::account_commands_burst, 1, 1'000'000)},
      {"registrations-per-h", count(&ServerOptions::address_registrations_per_h, 0, 1'000'000)},
      {"failures-per-min", count(&ServerOptions::address_failures_per_min, 0, 1'000'000)},
      {"lookups-per-s", count(&ServerOptions::address_lookups_per_s, 0, 1'000'000)},
      {"large-pushes-per-s", count(&ServerOptions::large_pushes_per_s, 0, 1'000'000)},
      {"accounts", yes_no([](Config& c, bool on) { c.options.register_accounts = on; })},
      {"search", yes_no([](Config& c, bool on) { c.options.search = on; })},
      {"plain", yes_no([](Config& c, bool on) { c.plain = on; })},
      {"share-port", yes_no([](Config& c, bool on) { c.options.share_port = on; })},
      {"trusted-proxies",
       [](Config& c, std::string_view value) {
         return read_proxies(value, c.options.trusted_proxies);
       }},
      {"proxy-protocol", yes_no([](Config& c, bool on) { c.options.proxy_protocol = on; })},
      {"admin-address", address(&ServerOptions::admin_address)},
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
      {"token-secret-file", text(&Config::token_secret_file)},
      {"token-previous-secret-file", text(&Config::token_previous_secret_file)},
      {"token-audience", text(&Config::token_audience)},
      {"token-issuer", text(&Config::token_issuer)},
      {"secret-file", text(&Config::secret_file)},
      {"previous-secret-file", text(&Config::previous_secret_file)},
      {"core-dumps", yes_no([](Config& c, bool on) { c.core_dumps = on; })},
  };
  return kFields;
}

// How many letters have to be added, left out or changed to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({change, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

// "prot: there is no such setting; did you mean port?"
std::string unknown(std::string_view key) {
  std::string text = std::string(key.substr(0, kNameShown)) + ": there is no such setting";
  if (key == "dev" || key == "help" || key == "version" || key == "config") {
    return text + "; it is a flag only";
  }
  std::string_view best;
  std::size_t least = kNameShown;
  for (const auto& [name, set] : fields()) {
    std::size_t far = distance(key.substr(0, kNameShown), name);
    if (name.starts_with(key) || key.starts_with(name)) far = std::min<std::size_t>(far, 2);
    if (far < least) {
      least = far;
      best = name;
    }
  }
  if (least <= std::max<std::size_t>(2, key.size() / 3)) {
    text.append("; did you mean ").append(best).append("?");
  }
  return text;
}

// Empty, or what is wrong.
std::string set_field(Config& config, std::string_view key, std::string_view value) {
  const auto field = fields().find(key);
  if (field == fields().end()) return unknown(key);
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20) return std::string(key) + " has a control character";
  }
  const std::string wrong = field->second(config, value);
  if (wrong.empty()) config.values[std::string(key)] = std::string(value);
  return wrong.empty() ? "" : std::string(key) + " " + wrong;
}

// Flags that take no value, and the setting that each stands for; empty: it is no setting.
struct Switch {
  std::string_view name;
  std::string_view setting;
};
constexpr Switch kSwitches[] = {{"dev", ""},
                                {"help", ""},
                                {"version", ""},
                                {"plain", "plain"},
                                {"share-port", "share-port"},
                                {"proxy-protocol", "proxy-protocol"},
                                {"accounts", "accounts"}};

const Switch* find_switch(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kSwitches), std::end(kSwitches),
                                         [name](const Switch& s) { return s.name == name; });
  return found == std::end(kSwitches) ? nullptr : found;
}

struct Flag {
  std::string name, value;
};

// Everything that is no setting (--dev, --help, --version) goes to `config` at once.
Result<std::vector<Flag>> split(const std::vector<std::string>& arguments, Config& config) {
  std::vector<Flag> flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-h") argument = "--help";
    if (argument.substr(0, 2) != "--" || argument.size() == 2) {
      return make_error(ErrorCode::kBadConfig, "unexpected argument: " + arguments[i]);
    }
    argument.remove_prefix(2);
    const auto equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    const Switch* as_switch = equals == std::string_view::npos ? find_switch(name) : nullptr;
    if (as_switch != nullptr && !as_switch->setting.empty()) {
      flags.push_back({std::string(as_switch->setting), "yes"});
    } else if (as_switch != nullptr) {
      config.dev = config.dev || name == "dev";
      config.help = config.help || name == "help";
      config.version = config.version || name == "version";
    } else if (equals != std::string_view::npos) {
      flags.push_back({name, std::string(argument.substr(equals + 1))});
    } else if (name != "config" && fields().find(name) == fields().end()) {
      return make_error(ErrorCode::kBadConfig, "--" + unknown(name));
    } else if (i + 1 < arguments.size()) {
      flags.push_back({name, arguments[++i]});
    } else {
      return make_error(ErrorCode::kBadConfig, "--" + name + " needs a value");
    }
  }
  std::map<std::string, std::string, std::less<>> seen;
  for (const Flag& flag : flags) {
    if (seen.emplace(flag.name, flag.value).first->second == flag.value) continue;
    return make_error(ErrorCode::kBadConfig, "--" + flag.name + " is given twice, differently");
  }
  return flags;
}

Status check_text(std::string_view name, std::string_view content) {
  if (content.substr(0, 2) == "\xff\xfe" || content.substr(0, 2) == "\xfe\xff") {
    return make_error(ErrorCode::kBadConfig, std::string(name) + ": is UTF-16; save it as UTF-8");
  }
  if (content.find('\0') != std::string_view::npos || !is_utf8(content)) {
    return make_error(ErrorCode::kBadConfig, std::string(name) + ": is no text in UTF-8");
  }
  return {};
}

// Removes quotes around a value. Returns nothing if they do not match.
std::optional<std::string_view> unquoted(std::string_view value) {
  if (value.empty()) return value;
  const char first = value.front();
  if (first != '"' && first != '\'') {
    const bool odd = value.find('"') != std::string_view::npos;
    return odd ? std::nullopt : std::optional(value);
  }
  if (value.size() < 2 || value.back() != first) return std::nullopt;
  value = value.substr(1, value.size() - 2);
  return value.find(first) == std::string_view::npos ? std::optional(value) : std::nullopt;
}

// One line, without its blanks; empty, or what is wrong with it.
std::string read_line(Config& config, std::string_view line, const std::string& place,
                      std::map<std::string, std::string, std::less<>>& seen) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return "expected `name = value`";
  const std::string key(trim(line.substr(0, equals)));
  const auto value = unquoted(trim(line.substr(equals + 1)));
  if (!value) return key + " has quotes that do not belong together";
  const bool quoted = value->data() != trim(line.substr(equals + 1)).data();
  if (!quoted && value->find(" #") != std::string_view::npos) {
    return key + " has a comment behind it; a comment is a line of its own (or quote the value)";
  }
  if (const auto [earlier, fresh] = seen.emplace(key, place); !fresh) {
    return key + " is set already, at " + earlier->second;
  }
  std::string wrong = set_field(config, key, *value);
  if (wrong.empty()) config.places[key] = place + ": " + key;
  return wrong;
}

bool from_flag(const Config& config, const char* setting) {
  const auto place = config.places.find(setting);
  return place != config.places.end() && place->second.starts_with("--");
}

// A certificate overrides `plain`, and the other way round: flags win, also here.
Status settle_tls(Config& config) {
  const bool certificate =
      !config.options.tls_certificate_file.empty() || !config.options.tls_key_file.empty();
  if (!config.plain || !certificate) return {};
  const bool plain_flag = from_flag(config, "plain");
  const bool certificate_flag = from_flag(config, "certificate") || from_flag(config, "key");
  if (plain_flag == certificate_flag) {
    const bool named = config.places.contains("certificate");
    return make_error(ErrorCode::kBadConfig, config.place(named ? "certificate" : "key") + " and " +
                                                 config.place("plain") + " exclude each other");
  }
  config.plain = plain_flag;
  if (!config.plain) return {};
  config.options.tls_certificate_file.clear();
  config.options.tls_key_file.clear();
  return {};
}

Status settle_proxies(const Config& config) {
  if (!config.options.proxy_protocol || !config.options.trusted_proxies.empty()) return {};
  return make_error(
      ErrorCode::kBadConfig,
      config.place("proxy-protocol") + " needs trusted-proxies: nobody's word would be taken");
}

Status settle_loops(const Config& config) {
  if (config.options.loops - 1 <= config.options.partitions) return {};
  return make_error(ErrorCode::kBadConfig,
                    config.place("loops") + " is " + std::to_string(config.options.loops) +
                        ", and at most partitions + 1 loops have something to do: partitions is " +
                        std::to_string(config.options.partitions));
}

}  // namespace

std::string Config::place(const std::string& setting) const {
  const auto found = places.find(setting);
  return found == places.end() ? "--" + setting : found->second;
}

std::vector<std::string> changed_settings(const Config& before, const Config& after) {
  std::vector<std::string> changed;
  for (const auto& [name, set] : fields()) {
    const auto old = before.values.find(name);
    const auto now = after.values.find(name);
    const bool same = old == before.values.end() || now == after.values.end()
                          ? (old == before.values.end()) == (now == after.values.end())
                          : old->second == now->second;
    if (!same) changed.push_back(name);
  }
  return changed;
}

Status read_config(std::string_view name, std::string_view content, Config& config) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (Status text = check_text(name, content); !text) return text;
  if (content.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    content.remove_prefix(kByteOrderMark.size());
  }
  std::size_t line_number = 0;
  std::map<std::string, std::string, std::less<>> seen;
  while (!content.empty()) {
    const auto end = content.find('\n');
    const std::string_view line = trim(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    const std::string place = std::string(name) + ":" + std::to_string(line_number);
    const std::string wrong = read_line(config, line, place, seen);
    if (!wrong.empty()) return make_error(ErrorCode::kBadConfig, place + ": " + wrong);
  }
  return {};
}

Result<std::string> read_small_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content(kFileBytesMax + 1, '\0');
  if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    const std::string why = errno == 0 ? "" : std::string(": ") + std::strerror(errno);
    return make_error(ErrorCode::kIo, path + ": cannot be read" + why);
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kFileBytesMax) return make_error(ErrorCode::kIo, path + ": is too large");
  return content;
}

Result<std::string> read_secret_file(const std::string& path) {
  if (const Status own = check_secret_file(path, SecretFile::kOwner); !own) return own.error();
  auto secret = read_small_file(path);
  if (!secret) return secret.error();
  while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) {
    secret->pop_back();
  }
  return secret;
}

// First the settings of --dev, then the file, then the flags: each wins over the earlier ones.
Result<Config> parse_arguments(const std::vector<std::string>& arguments) {
  Config config;
  config.options.data_dir = "kith-data";
  const auto flags = split(arguments, config);
  if (!flags) return flags.error();
  if (config.dev) {
    config.options.password_cost = kDevPasswordCost;
    config.options.register_accounts = true;
  }
  for (const Flag& flag : *flags) {
    if (flag.name != "config") continue;
    config.config_file = flag.value;
    const auto content = read_small_file(flag.value);
    if (!content) return content.error();
    if (const Status read = read_config(flag.value, *content, config); !read) return read.error();
  }
  for (const Flag& flag : *flags) {
    if (flag.name == "config") continue;
    const std::string wrong = set_field(config, flag.name, flag.value);
    if (!wrong.empty()) return make_error(ErrorCode::kBadConfig, "--" + wrong);
    config.places[flag.name] = "--" + flag.name;
  }
  if (const Status settled = settle_tls(config); !settled) return settled.error();
  if (const Status settled = settle_proxies(config); !settled) return settled.error();
  if (const Status settled = settle_loops(config); !settled) return settled.error();
  return config;
}

}  // namespace kith::server::daemon
