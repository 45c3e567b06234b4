// Completes words.
#include "client/cli/completion.h"

#include <algorithm>

namespace kith::cli {

Completion completion(std::string_view begun, const std::vector<std::string>& words) {
  Completion out;
  if (begun.empty()) return out;
  for (const std::string& word : words) {
    if (word.starts_with(begun)) out.fitting.push_back(word);
  }
  if (out.fitting.empty()) return out;
  std::string_view common = out.fitting.front();
  for (const std::string& word : out.fitting) {
    const auto [end, _] = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
    common = common.substr(0, static_cast<std::size_t>(end - common.begin()));
  }
  // Whole characters: where two differ in the middle of one, it begins none.
  while (common.size() > begun.size() && common.size() < out.fitting.front().size() &&
         (static_cast<unsigned char>(out.fitting.front()[common.size()]) & 0xc0) == 0x80) {
    common.remove_suffix(1);
  }
  out.added = common.substr(begun.size());
  if (out.fitting.size() == 1) {
    out.added += ' ';
    out.fitting.clear();
  }
  return out;
}

}  // namespace kith::cli
