// LogLine: one event of the server for the host's log, with a stable name and fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/export.h"

namespace kith::server {

enum class LogLevel : std::uint8_t { kError, kWarning, kInfo, kDebug };

// "error", "warning", "info", "debug"
KITH_API std::string_view to_string(LogLevel level) noexcept;

struct LogField {
  std::string name;  // lower case with underscores; stable
  std::string value;
};

// docs/server_guide.md lists the events. Never holds message text, passwords or tokens.
struct LogLine {
  LogLevel level = LogLevel::kInfo;
  std::string event;  // lower case with underscores, e.g. "journal_failed"; stable
  std::string text;   // one English sentence for the reader; may change
  std::vector<LogField> fields;
};

// "journal_failed code=DISK_FULL failures=3 msg=\"…\"": one line of printable text. Line ends, control
// characters and marks that turn the direction of writing are escaped, so a foreign value cannot break the line.
KITH_API std::string to_string(const LogLine& line);
// The same as one JSON object with the members "level", "event", "msg" and the fields; `time` is the first member,
// unless it is empty.
KITH_API std::string to_json(const LogLine& line, std::string_view time = {});

}  // namespace kith::server
