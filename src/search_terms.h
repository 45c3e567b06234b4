// Search terms: the words by which a text is found. One rule for the client's index, the server's index and
// the marks in a found text.
//
// A word is a run of letters and digits, folded: without case, accents and compatibility forms (NFKC
// case folding, Unicode Technical Report 30's spirit), and with the letters that people take for the
// same made one (search_letters.h). Scripts that are written without spaces, or
// whose words are glued together (Han, Kana, Bopomofo, Hangul, Thai, Lao, Khmer, Myanmar, Tibetan),
// give overlapping pairs of characters and, at the end of the run, the last character alone. An
// emoji is a word. search_fold.h has the details.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/message.h"
#include "kith/core/result.h"

namespace kith::search {

// The version of this rule. An index made with another version must be rebuilt: the server does that by itself;
// the client's cache needs a new schema version too.
inline constexpr int rule_version = 2;

// `text`: at most limits::search_term_bytes_max bytes, never empty; the only ASCII characters in it are [a-z0-9].
struct Term {
  std::string text;
  TextRange source;  // its place in the original text; never empty
};

// Returns the terms in the order of the text, never more than it has bytes. Bytes that are not UTF-8 separate words.
std::vector<Term> terms(std::string_view text);

// Terms that must follow each other. With `prefix`, the last one is only the beginning of a word.
struct Phrase {
  std::vector<std::string> terms;
  bool prefix = false;
  friend bool operator==(const Phrase&, const Phrase&) = default;
};
// Every phrase must occur in the text; the list holds none twice.
struct Pattern {
  std::vector<Phrase> phrases;
};

// Parses a query as a person types it; no spelling is an error. The text between two spaces is a phrase ("don't",
// "foo@bar", "v1.2"), and so is the text between two quotation marks of any kind that keyboards make. The last
// phrase may be unfinished (prefix), unless it is in quotation marks. Fails with kInvalidArgument if the query
// holds nothing to search for, and with kTooLarge, kLimitExceeded above limits::search_query_bytes_max,
// search_terms_max.
Result<Pattern> parse(std::string_view query);

// Returns the places of the phrases in `text`, ascending and disjoint; empty if one is missing or `pattern` has
// none. A range goes from the first to the last searched character of a phrase; in an unfinished word it ends
// with the typed beginning. The result is empty exactly if an index of terms(text) that keeps their positions
// does not find the pattern.
std::vector<TextRange> find(const Pattern& pattern, std::string_view text);

}  // namespace kith::search
