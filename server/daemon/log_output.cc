// LogOutput: the daemon's log on standard error, one line for each event, with the time in UTC.
#include "server/daemon/log_output.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace kith::server::daemon {
namespace {

// A pipe that can be written to takes so much without waiting (POSIX).
constexpr std::size_t kLineBytesMax = PIPE_BUF;

// RFC 3339, UTC, milliseconds.
std::string time_text(Timestamp at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(at.ms % 1000));
  return text.data();
}

}  // namespace

std::string format_log_line(const LogLine& line, Timestamp at, LogFormat format) {
  const std::string time = time_text(at);
  if (format == LogFormat::kJson) return to_json(line, time);
  return time + " " + std::string(to_string(line.level)) + " " + to_string(line);
}

void LogOutput::write(const LogLine& line) {
  if (line.level > level_) return;
  pollfd ready{fd_, POLLOUT, 0};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
    ++dropped_;
    return;
  }
  LogLine shown = line;
  if (const auto dropped = dropped_.exchange(0); dropped > 0) {
    shown.fields.push_back({"dropped", std::to_string(dropped)});
  }
  std::string text = format_log_line(shown, clock_.wall(), format_);
  if (text.size() >= kLineBytesMax) {  // cut fields would be no JSON any more
    shown.text = "(too long)";
    shown.fields.clear();
    text = format_log_line(shown, clock_.wall(), format_);
  }
  text += '\n';
  if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ++dropped_;
}

}  // namespace kith::server::daemon
