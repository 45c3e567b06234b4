// Lines of tab-separated fields, fingerprints, and the clock.
#include "lines.h"

#include <chrono>

namespace replay {

std::string join(const Fields& fields) {
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i) out += '\t';
    for (const char c : fields[i]) {
      switch (c) {
        case '\\':
          out += "\\\\";
          break;
        case '\t':
          out += "\\t";
          break;
        case '\n':
          out += "\\n";
          break;
        default:
          out += c;
      }
    }
  }
  out += '\n';
  return out;
}

Fields split(std::string_view line) {
  Fields out(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (c == '\t') {
      out.emplace_back();
      continue;
    }
    if (c == '\\' && i + 1 < line.size()) {
      c = line[++i];
      if (c == 't') c = '\t';
      if (c == 'n') c = '\n';
    }
    out.back() += c;
  }
  return out;
}

void Fingerprint::add(std::string_view bytes) {
  for (const char c : bytes) {
    state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  state_ = (state_ ^ 0xff) * 1099511628211ULL;
}

std::string Fingerprint::text() const {
  return std::to_string(state_);
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace replay
