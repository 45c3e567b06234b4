// Any bytes as a text and as a query: terms of the alphabet that was promised, ranges that a screen
// can mark, and what find() marks is what an index of the terms would say.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/limits.h"
#include "src/search_terms.h"
#include "src/utf8.h"

namespace {

using kith::TextRange;
using kith::search::Pattern;
using kith::search::Phrase;
using kith::search::Term;

void require(bool fact) {
  if (!fact) std::abort();
}

// No character of a well-formed text is cut.
bool whole_characters(std::string_view text, const TextRange& range) {
  const auto tail = [text](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  return !tail(range.begin) && !tail(range.begin + range.size);
}

void check_term(const Term& term) {
  require(!term.text.empty() && term.text.size() <= kith::limits::search_term_bytes_max);
  require(kith::is_utf8(term.text));
  for (const char c : term.text) {
    require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            static_cast<unsigned char>(c) >= 0x80);
  }
}

void check_range(std::string_view text, bool well_formed, const TextRange& range) {
  require(range.size > 0 && range.begin <= text.size() && range.size <= text.size() - range.begin);
  require(!well_formed || whole_characters(text, range));
}

// Searches as an index does that keeps the positions of its terms.
bool stands(const Phrase& phrase, const std::vector<Term>& terms) {
  const auto is = [&](const Term& term, const std::string& wanted) {
    const bool beginning = phrase.prefix && &wanted == &phrase.terms.back();
    return beginning ? term.text.starts_with(wanted) : term.text == wanted;
  };
  return std::search(terms.begin(), terms.end(), phrase.terms.begin(), phrase.terms.end(), is) !=
         terms.end();
}

void check(std::string_view text, std::string_view query) {
  const bool well_formed = kith::is_utf8(text);
  const std::vector<Term> terms = kith::search::terms(text);
  require(terms.size() <= text.size());
  std::size_t begin = 0;
  for (const Term& term : terms) {
    check_term(term);
    check_range(text, well_formed, term.source);
    require(term.source.begin >= begin);
    begin = term.source.begin;
  }
  const auto pattern = kith::search::parse(query);
  if (!pattern) {
    require(!pattern.error().message.empty());
    return;
  }
  std::size_t count = 0;
  bool expected = true;
  for (const Phrase& phrase : pattern->phrases) {
    count += phrase.terms.size();
    require(!phrase.terms.empty());
    for (const std::string& term : phrase.terms) check_term({term, {}});
    expected = expected && stands(phrase, terms);
  }
  require(count > 0 && count <= kith::limits::search_terms_max);
  const std::vector<TextRange> ranges = kith::search::find(*pattern, text);
  require(ranges.empty() != expected);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    check_range(text, well_formed, ranges[i]);
    require(i == 0 || ranges[i].begin > ranges[i - 1].begin + ranges[i - 1].size);
  }
}

}  // namespace

// The first line is the query; an input without one is searched by its own beginning.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::size_t line = input.find('\n');
  if (line != std::string_view::npos) {
    check(input.substr(line + 1), input.substr(0, line));
  } else {
    check(input, input.substr(0, kith::limits::search_query_bytes_max / 4));
  }
  return 0;
}
