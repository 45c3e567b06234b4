// Extracts words and pairs of characters from a folded text, parses queries, and finds the places they match.
#include "src/search_terms.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "kith/core/limits.h"
#include "src/search_fold.h"

namespace kith::search {
namespace {

static_assert(2 * char_bytes_max <= limits::search_term_bytes_max, "a pair is a term");

// The place of a term: characters [first, end) of a folded text.
struct Place {
  std::string_view text;
  std::size_t first = 0;
  std::size_t end = 0;
};

bool continues(const Folded& folded, std::size_t at) {
  const Char& c = folded.chars[at];
  return c.joined && c.kind != CharKind::kEmoji && c.kind == folded.chars[at - 1].kind;
}

std::string_view text_of(const Folded& folded, std::size_t first, std::size_t end) {
  const std::size_t begin = folded.chars[first].begin;
  const Char& last = folded.chars[end - 1];
  return std::string_view(folded.text).substr(begin, last.begin + last.size - begin);
}

// Cuts a word that is too long.
std::string_view word(const Folded& folded, std::size_t first, std::size_t end) {
  std::string_view text = text_of(folded, first, end);
  while (text.size() > limits::search_term_bytes_max) {
    --end;
    text.remove_suffix(folded.chars[end].size);
  }
  return text;
}

std::vector<Place> places(const Folded& folded) {
  const std::size_t count = folded.chars.size();
  std::vector<Place> out;
  out.reserve(count);
  std::size_t end = 0;
  for (std::size_t first = 0; first < count; first = end) {
    end = first + 1;
    while (end < count && continues(folded, end)) ++end;
    if (folded.chars[first].kind != CharKind::kDense) {
      out.push_back({word(folded, first, end), first, end});
      continue;
    }
    for (std::size_t at = first; at < end; ++at) {
      const std::size_t pair_end = std::min(at + 2, end);
      out.push_back({text_of(folded, at, pair_end), at, pair_end});
    }
  }
  return out;
}

std::size_t source_end(const Char& c) {
  return c.source.begin + c.source.size;
}

// --- queries ---

struct Chunk {
  std::string_view text;
  bool closed = false;  // by the second of two quotation marks
};

// The first character; a byte that is not UTF-8 stands for itself.
struct FirstCharacter {
  std::string_view text;
  utf8proc_int32_t code = 0;  // 0: no UTF-8
};

FirstCharacter first_character(std::string_view text) {
  utf8proc_int32_t c = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &c);
  if (size <= 0) return {text.substr(0, 1), 0};
  return {text.substr(0, static_cast<std::size_t>(size)), c};
}

bool is_space(utf8proc_int32_t c) {
  const auto category = utf8proc_category(c);
  return (c >= '\t' && c <= '\r') || c == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

// The characters that keyboards make of a ", in any language. Single quotation marks are apostrophes and separate.
bool is_quotation_mark(utf8proc_int32_t c) {
  constexpr std::array<utf8proc_int32_t, 26> kMarks = {
      0x22,   0xab,   0xbb,   0x201c, 0x201d, 0x201e, 0x201f, 0x2033, 0x2036,
      0x2039, 0x203a, 0x2e42, 0x300c, 0x300d, 0x300e, 0x300f, 0x301d, 0x301e,
      0x301f, 0xfe41, 0xfe42, 0xfe43, 0xfe44, 0xff02, 0xff62, 0xff63};
  return std::binary_search(kMarks.begin(), kMarks.end(), c);
}

bool is_hebrew_letter(utf8proc_int32_t c) {
  return c >= 0x05d0 && c <= 0x05ea;
}

std::vector<Chunk> chunks(std::string_view query) {
  std::vector<Chunk> out;
  bool quoted = false;
  std::size_t begin = 0;
  std::size_t at = 0;
  utf8proc_int32_t before = 0;
  const auto finish = [&](bool closed) {
    if (at > begin) out.push_back({query.substr(begin, at - begin), closed});
  };
  while (at < query.size()) {
    const FirstCharacter c = first_character(query.substr(at));
    bool quote = is_quotation_mark(c.code);
    // Inside a Hebrew word it marks an abbreviation.
    if (quote && is_hebrew_letter(before)) {
      quote = !is_hebrew_letter(first_character(query.substr(at + c.text.size())).code);
    }
    if (quote || (is_space(c.code) && !quoted)) {
      finish(quoted);
      if (quote) quoted = !quoted;
      begin = at + c.text.size();
    }
    at += c.text.size();
    before = c.code;
  }
  finish(false);
  return out;
}

// Returns nullopt if there is nothing to search for.
std::optional<Phrase> phrase_of(const Chunk& chunk, bool may_be_unfinished) {
  const Folded folded = fold(chunk.text);
  if (folded.chars.empty()) return std::nullopt;
  std::vector<Place> found = places(folded);
  const std::size_t last = folded.chars.size() - 1;
  const CharKind kind = folded.chars[last].kind;
  Phrase phrase;
  phrase.prefix = may_be_unfinished && folded.open && kind != CharKind::kEmoji;
  if (kind == CharKind::kDense) {
    if (last > 0 && continues(folded, last)) {
      found
          .pop_back();  // more may follow in a text: only the pair with the character before is certain
    } else {
      phrase.prefix = true;  // in a text it may begin a pair
    }
  }
  phrase.terms.reserve(found.size());
  for (const Place& place : found) phrase.terms.emplace_back(place.text);
  return phrase;
}

// --- the places of a pattern ---

// The marked bytes of a text: the number of marks that begin at each byte less those that end there.
class Marks {
 public:
  explicit Marks(std::size_t text_size) : steps_(text_size + 1) {}

  void add(std::size_t begin, std::size_t end) {
    ++steps_[begin];
    --steps_[end];
  }

  std::vector<TextRange> ranges() const {
    std::vector<TextRange> out;
    std::int64_t depth = 0;
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      const std::int64_t before = std::exchange(depth, depth + steps_[at]);
      if (before == 0 && depth > 0) out.push_back({at, 0});
      if (before > 0 && depth == 0) out.back().size = at - out.back().begin;
    }
    return out;
  }

 private:
  std::vector<std::int32_t> steps_;
};

// Returns the end of the character in which the first `bytes` of a term end.
std::size_t end_of_beginning(const Folded& folded, const Place& place, std::size_t bytes) {
  const std::size_t behind = folded.chars[place.first].begin + bytes;
  std::size_t at = place.first;
  while (at + 1 < place.end && folded.chars[at + 1].begin < behind) ++at;
  return source_end(folded.chars[at]);
}

bool mark(const Phrase& phrase, const Folded& folded, std::span<const Place> found, Marks& marks) {
  const std::size_t count = phrase.terms.size();
  if (count == 0 || count > found.size()) return false;
  const std::string_view last = phrase.terms.back();
  bool any = false;
  for (std::size_t at = 0; at + count <= found.size(); ++at) {
    const auto here = found.subspan(at, count);
    const auto is = [](const std::string& term, const Place& place) { return term == place.text; };
    if (!std::equal(phrase.terms.begin(), phrase.terms.end() - 1, here.begin(), is)) continue;
    const std::string_view end = here.back().text;
    if (phrase.prefix ? !end.starts_with(last) : end != last) continue;
    any = true;
    marks.add(folded.chars[here.front().first].source.begin,
              phrase.prefix ? end_of_beginning(folded, here.back(), last.size())
                            : source_end(folded.chars[here.back().end - 1]));
  }
  return any;
}

}  // namespace

std::vector<Term> terms(std::string_view text) {
  const Folded folded = fold(text);
  std::vector<Term> out;
  const std::vector<Place> found = places(folded);
  out.reserve(found.size());
  for (const Place& place : found) {
    const std::size_t begin = folded.chars[place.first].source.begin;
    const std::size_t end = source_end(folded.chars[place.end - 1]);
    out.push_back({std::string(place.text), {begin, end - begin}});
  }
  return out;
}

Result<Pattern> parse(std::string_view query) {
  if (query.size() > limits::search_query_bytes_max) {
    return make_error(ErrorCode::kTooLarge, "a query has at most " +
                                                std::to_string(limits::search_query_bytes_max) +
                                                " bytes, this one " + std::to_string(query.size()));
  }
  Pattern pattern;
  std::size_t count = 0;
  const std::vector<Chunk> all = chunks(query);
  for (const Chunk& chunk : all) {
    const bool may_be_unfinished = &chunk == &all.back() && !chunk.closed;
    auto phrase = phrase_of(chunk, may_be_unfinished);
    if (!phrase) continue;
    count += phrase->terms.size();
    if (std::find(pattern.phrases.begin(), pattern.phrases.end(), *phrase) ==
        pattern.phrases.end()) {
      pattern.phrases.push_back(*std::move(phrase));
    }
  }
  if (pattern.phrases.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "a query has a letter, a digit or an emoji");
  }
  if (count > limits::search_terms_max) {
    return make_error(ErrorCode::kLimitExceeded, "a query has at most " +
                                                     std::to_string(limits::search_terms_max) +
                                                     " terms, this one " + std::to_string(count));
  }
  return pattern;
}

std::vector<TextRange> find(const Pattern& pattern, std::string_view text) {
  const Folded folded = fold(text);
  const std::vector<Place> found = places(folded);
  Marks marks(text.size());
  for (const Phrase& phrase : pattern.phrases) {
    if (!mark(phrase, folded, found, marks)) return {};
  }
  return marks.ranges();
}

}  // namespace kith::search
