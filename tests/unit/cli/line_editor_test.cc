// The composer of kith.
#include "client/cli/line_editor.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

TEST(LineEditor, EditsAtTheCursor) {
  LineEditor editor;
  for (const char* c : {"g", "r", "ü", "ß", "e", " ", "a", "n", " ", "a", "l", "l", "e"})
    ASSERT_TRUE(editor.type(c));
  editor.cut_word();
  editor.home();
  editor.right();
  editor.erase();
  editor.type("R");
  EXPECT_EQ(editor.text(), "gRüße an ");
  EXPECT_EQ(editor.before_cursor(), "gR");
  editor.home();
  editor.backspace();
  EXPECT_EQ(editor.text(), "gRüße an ");
  editor.word_right();
  editor.word_right();
  editor.word_left();
  EXPECT_EQ(editor.before_cursor(), "gRüße ");
}

TEST(LineEditor, WhatIsCutComesBack) {
  LineEditor editor;
  editor.paste("one two\nthree");
  editor.up();
  editor.end();
  editor.cut_word();
  EXPECT_EQ(editor.text(), "one \nthree");
  editor.home();
  EXPECT_TRUE(editor.yank());
  EXPECT_EQ(editor.text(), "twoone \nthree");
  editor.home();
  editor.cut_next_word();
  EXPECT_EQ(editor.text(), " \nthree");
  editor.cut_to_end();
  EXPECT_EQ(editor.text(), "\nthree");
  editor.cut_to_end();  // the line end
  EXPECT_EQ(editor.text(), "three");
  editor.cut_all();
  EXPECT_TRUE(editor.empty());
  editor.cut_all();  // nothing: the earlier cut stays
  EXPECT_TRUE(editor.yank());
  EXPECT_EQ(editor.text(), "three");
  EXPECT_EQ(editor.before_cursor(), "three");
}

TEST(LineEditor, TheCursorStandsBetweenWhatIsReadAsCharacters) {
  LineEditor editor;
  editor.paste("e\u0301\u0323x\U0001F469\u200d\U0001F467");
  editor.left();
  EXPECT_EQ(editor.before_cursor(), "e\u0301\u0323x\U0001F469\u200d");  // shown as two
  editor.left();
  EXPECT_EQ(editor.before_cursor(), "e\u0301\u0323x");
  editor.left();
  editor.left();
  EXPECT_EQ(editor.before_cursor(), "");
  editor.right();
  EXPECT_EQ(editor.before_cursor(), "e\u0301\u0323");
  editor.backspace();
  EXPECT_EQ(editor.before_cursor(), "e\u0301");
  editor.home();
  editor.erase();
  EXPECT_EQ(editor.text(), "x\U0001F469\u200d\U0001F467");
}

TEST(LineEditor, HasLines) {
  LineEditor editor;
  editor.paste("first\r\nsecond\rthird\n\n");
  EXPECT_EQ(editor.text(), "first\nsecond\nthird");
  EXPECT_TRUE(editor.up());
  EXPECT_EQ(editor.before_cursor(), "first\nsecon");
  editor.home();
  EXPECT_EQ(editor.before_cursor(), "first\n");
  EXPECT_TRUE(editor.up());
  EXPECT_FALSE(editor.up());
  editor.end();
  editor.newline();
  EXPECT_EQ(editor.text(), "first\n\nsecond\nthird");
  EXPECT_TRUE(editor.down());
  EXPECT_TRUE(editor.down());
  EXPECT_FALSE(editor.down());
}

TEST(LineEditor, OnlyATypedSlashBeginsACommand) {
  LineEditor typed;
  typed.type("/");
  typed.paste("quit");
  EXPECT_TRUE(typed.is_command());
  LineEditor pasted;
  pasted.paste("/quit");
  EXPECT_FALSE(pasted.is_command());
  pasted.home();
  pasted.type("/");
  EXPECT_TRUE(pasted.is_command());
  EXPECT_FALSE(LineEditor().is_command());
}

TEST(LineEditor, ControlCharactersAreNoText) {
  LineEditor editor;
  editor.paste("a\x1b[2Jb\x7f\xc2\x9b\tc");
  EXPECT_EQ(editor.text(), "a[2Jb\tc");
  editor.paste("\xff");
  EXPECT_EQ(editor.text(), "a[2Jb\tc\ufffd");
}

TEST(LineEditor, WhatIsWrittenFitsIntoAMessage) {
  LineEditor editor;
  EXPECT_FALSE(editor.paste(std::string(limits::body_bytes_max * 2, 'x')));
  EXPECT_TRUE(editor.empty());  // half a text is none
  std::size_t most = limits::body_bytes_max;
  while (!editor.paste(std::string(most, 'x'))) --most;
  EXPECT_FALSE(editor.type("ü"));
  EXPECT_EQ(editor.text().size(), most);
  editor.cut_all();
  EXPECT_TRUE(editor.type("ü"));
  EXPECT_FALSE(editor.yank());
  EXPECT_EQ(editor.text(), "ü");
}

}  // namespace
}  // namespace kith::cli
