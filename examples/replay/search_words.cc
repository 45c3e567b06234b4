// Words of a chat log, and how many of its lines have each.
#include "search_words.h"

#include <algorithm>
#include <map>
#include <set>

namespace replay {
namespace {

constexpr std::size_t kLettersMin = 4;

bool ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}
bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Words of ASCII letters and digits that touch nothing else.
std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  bool pure = true;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? lower(text[i]) : ' ';
    if (letter_or_digit(c) || !ascii(c)) {
      pure = pure && ascii(c);
      word += c;
      continue;
    }
    if (pure && !word.empty()) words.insert(word);
    word.clear();
    pure = true;
  }
  return words;
}

}  // namespace

std::vector<SearchWord> search_words(const ChatRoom& room, std::size_t count) {
  std::map<std::string, std::size_t> lines_with;
  std::size_t unclear = 0;
  for (const Line& line : room.lines) {
    if (!std::all_of(line.text.begin(), line.text.end(), ascii)) ++unclear;
    for (const std::string& word : words_of(line.text)) ++lines_with[word];
  }
  std::vector<SearchWord> all;
  for (const auto& [word, lines] : lines_with) {
    const bool letters = std::all_of(word.begin(), word.end(), [](char c) { return c > '9'; });
    if (letters && word.size() >= kLettersMin) all.push_back({word, lines, lines + unclear});
  }
  std::sort(all.begin(), all.end(),
            [](const SearchWord& a, const SearchWord& b) { return a.least > b.least; });
  if (all.size() <= count) return all;
  std::vector<SearchWord> some;
  for (std::size_t i = 0; i < count; ++i) {
    some.push_back(all[i * (all.size() - 1) / std::max<std::size_t>(1, count - 1)]);
  }
  return some;
}

}  // namespace replay
