// completion(): what the Tab key adds to a word that has been begun.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

struct Completion {
  std::string added;                 // goes on after `begun`; with a space if nothing else fits
  std::vector<std::string> fitting;  // the words that begin so, if there are several
};

// An empty `begun` fits nothing: all words are no help.
Completion completion(std::string_view begun, const std::vector<std::string>& words);

}  // namespace kith::cli
