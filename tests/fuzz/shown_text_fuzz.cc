// Any bytes as a message, a name and JSON: nothing that a terminal obeys comes out, in no form, and
// rows are as wide as they were asked for.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/printer.h"
#include "client/cli/shown_text.h"
#include "src/utf8.h"

namespace {

using kith::cli::Form;
using kith::cli::ShownText;

void require(bool fact) {
  if (!fact) std::abort();
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// UTF-8 without controls of either kind, line ends, overrides and embeddings.
void check_bytes(const std::string& text) {
  require(kith::is_utf8(text));
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {  // C1
    const auto lead = static_cast<unsigned char>(text[at]);
    require(lead != 0xc2 || static_cast<unsigned char>(text[at + 1]) >= 0xa0);
  }
  for (const char* part : {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
                           "\u2066", "\u2067", "\ufeff"}) {
    require(!contains(text, part));
  }
}

// One isolate around the whole line, or none.
void check_line(const ShownText& line) {
  const std::string bytes = line.bytes();
  check_bytes(bytes);
  const auto first = bytes.find("\u2068");
  require(first == std::string::npos || first == 0);
  require(contains(bytes, "\u2068") == contains(bytes, "\u2069"));
  if (first == 0) {
    require(bytes.rfind("\u2068") == 0);
    require(bytes.find("\u2069") == bytes.size() - 3);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const bool ready = (kith::cli::use_utf8_locale(), true);
  require(ready);
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const int columns = size ? 1 + bytes[0] % 40 : 1;
  for (const Form form : {Form::kTerminal, Form::kFile}) {
    check_line(ShownText::line(input, form));
    for (const ShownText& line : ShownText::lines(input, form, {{0, size / 2}})) {
      check_line(line);
      require(line.cut(columns).columns() <= columns);
      std::size_t kept = 0;
      for (const ShownText& row : line.wrapped(columns, columns)) {
        check_line(row);
        require(row.columns() <= columns || row.glyphs().size() == 1);
        kept += row.glyphs().size();
      }
      require(kept <= line.glyphs().size());
    }
  }
  require(kith::is_utf8(kith::cli::visible_name(input)));
  check_bytes(kith::cli::escaped_json(input));
  require(!contains(kith::cli::escaped_json(input), "\u2068"));
  return 0;
}
