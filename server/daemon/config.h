// The daemon's settings: flags, and a file of `key = value` lines with the same names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/options.h"

namespace kith::server::daemon {

enum class LogFormat : std::uint8_t { kText, kJson };

struct Config {
  ServerOptions options;
  bool dev = false;
  bool plain = false;
  bool help = false;
  bool version = false;
  std::string token_secret_file;  // host tokens are accepted when set
  std::string token_previous_secret_file;
  std::string token_audience;
  std::string token_issuer;
  std::string secret_file;  // ServerOptions::secret; empty: kept in data_dir
  std::string previous_secret_file;
  bool core_dumps = false;
  std::string config_file;
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  // Where each setting that is not its default was set: "k.conf:3: port", "--port".
  std::map<std::string, std::string> places;
  std::map<std::string, std::string> values;  // as they were written

  // The place of a setting, for messages about its value.
  [[nodiscard]] std::string place(const std::string& setting) const;
};

// Reads `text` of the file `name` into `config`. kBadConfig names file, line and field.
Status read_config(std::string_view name, std::string_view text, Config& config);
// Reads flags (without the program's name) and the file that --config names. Later places win over earlier ones:
// --dev, the file, flags. Fails with kBadConfig, kIo.
Result<Config> parse_arguments(const std::vector<std::string>& arguments);
// One whole file of at most 64 KiB. kIo.
Result<std::string> read_small_file(const std::string& path);
// The same without the line end, of a file that nobody else can read. kInvalidArgument if others can.
Result<std::string> read_secret_file(const std::string& path);

// The settings whose values differ, in the order of their names.
std::vector<std::string> changed_settings(const Config& before, const Config& after);

std::string_view help_text();

}  // namespace kith::server::daemon
