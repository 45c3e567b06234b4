// Search terms: what a text can be found by. One rule for the client's index, the server's index and
// the marks in a text that was found.
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

// Of this rule. An index that was made with another one is made anew: the server's sees to it, the
// client's cache needs a new schema version with it.
inline constexpr int rule_version = 2;

// `text`: at most limits::search_term_bytes_max bytes, of ASCII only [a-z0-9]; never empty.
struct Term {
  std::string text;
  TextRange source;  // where it stands in the text it was read from; never empty
};

// In the order of the text. Bytes that are no UTF-8 separate. Never more terms than bytes.
std::vector<Term> terms(std::string_view text);

// Terms that must stand one after the other; of the last, with `prefix`, only the beginning.
struct Phrase {
  std::vector<std::string> terms;
  bool prefix = false;
  friend bool operator==(const Phrase&, const Phrase&) = default;
};
// Every phrase must be in the text; none is there twice.
struct Pattern {
  std::vector<Phrase> phrases;
};

// Of a query as a person types it, and it never fails for its spelling: what is between two spaces
// is a phrase ("don't", "foo@bar", "v1.2"), and so is what is between two quotation marks, whichever
// keyboards make of them; the last one may be unfinished (prefix), unless it is in quotation marks.
// kInvalidArgument: there is nothing in it to search for; kTooLarge, kLimitExceeded:
// limits::search_query_bytes_max, search_terms_max.
Result<Pattern> parse(std::string_view query);

// Where the phrases stand in `text`, ascending, apart; empty if one is not in it, or `pattern` has
// none. A range goes from the first character of a phrase to the last one that was asked for: of an
// unfinished word to the end of its beginning. Not empty exactly if an index of terms(text) that
// keeps their positions says that they are there.
std::vector<TextRange> find(const Pattern& pattern, std::string_view text);

}  // namespace kith::search
