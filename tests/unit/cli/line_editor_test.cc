// The input line of kith, and what it lets onto a terminal.
#include "client/cli/line_editor.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

TEST(LineEditor, EditsAtTheCursor) {
  LineEditor editor;
  for (const wchar_t c : std::wstring(L"grüße an alle")) editor.insert(c);
  editor.erase_word();
  editor.home();
  editor.right();
  editor.erase();
  editor.insert(L'R');
  EXPECT_EQ(to_utf8(editor.text()), "gRüße an ");
  editor.home();
  editor.backspace();
  EXPECT_EQ(editor.text().size(), 9U);
}

TEST(LineEditor, TextSurvivesTheWayThere) {
  const std::string text = "a é ✓ 🙂";
  EXPECT_EQ(to_utf8(to_wide(text)), text);
}

TEST(LineEditor, NothingSteersTheTerminal) {
  EXPECT_EQ(to_wide("a\x1b[2Jb\r\nc\x7f"), L"a[2Jb c");
  EXPECT_EQ(to_wide("\xc2\x9b"), L"");  // CSI as one character
  EXPECT_EQ(to_wide("\xff"
                    "a"),
            L"\xfffd"
            L"a");                                // no UTF-8
  EXPECT_EQ(to_wide("\xe2\x9c"), L"\xfffd");      // cut off
  EXPECT_EQ(to_wide("\xed\xa0\x80"), L"\xfffd");  // half of a surrogate pair
}

}  // namespace
}  // namespace kith::cli
