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
  editor.erase_word();
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
  EXPECT_LE(editor.text().size(), limits::body_bytes_max);
  EXPECT_FALSE(editor.type("ü"));
  editor.clear();
  EXPECT_TRUE(editor.type("ü"));
}

}  // namespace
}  // namespace kith::cli
