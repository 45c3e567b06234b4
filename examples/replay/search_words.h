// Words of a chat log, and how many of its lines have each, to check a search. By its own simple
// rule, not Kith's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "chat_file.h"

namespace replay {

struct SearchWord {
  std::string word;       // of a-z alone
  std::size_t least = 0;  // lines that have it as a word
  std::size_t most = 0;   // with those that may have it in another spelling (accents, ligatures)
};

// The commonest, some in the middle, and the rarest; at most `count`.
std::vector<SearchWord> search_words(const ChatRoom& room, std::size_t count);

}  // namespace replay
