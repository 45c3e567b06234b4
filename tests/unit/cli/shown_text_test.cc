// The filter between the outside and a terminal.
#include "client/cli/shown_text.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

class Shown : public testing::Test {
 protected:
  Shown() { use_utf8_locale(); }
  static std::string line(std::string_view text, Form form = Form::kTerminal) {
    return ShownText::line(text, form).bytes();
  }
  static std::vector<std::string> rows(const std::vector<ShownText>& texts) {
    std::vector<std::string> out;
    for (const auto& text : texts) out.push_back(text.bytes());
    return out;
  }
};
using Rows = std::vector<std::string>;

TEST_F(Shown, EscapeCodesAreSeenAndNotObeyed) {
  EXPECT_EQ(line("a\x1b[2Jb\x7f"), "a␛[2Jb␡");
  EXPECT_EQ(line("\xc2\x9b"
                 "31m"),
            "\ufffd31m");  // CSI as one character
  EXPECT_EQ(line("back\rforth\b"), "back␍forth␈");
  EXPECT_EQ(line("a\tb"), "a    b");
}

TEST_F(Shown, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(line("\xff"
                 "a"),
            "\ufffda");
  EXPECT_EQ(line("\xed\xa0\x80").substr(0, 3), "\ufffd");  // half of a surrogate pair
}

TEST_F(Shown, EveryLineEndOfUnicodeIsALineEnd) {
  EXPECT_EQ(rows(ShownText::lines("a\r\nb\u2028c\u2029d\xc2\x85"
                                  "e\vf\fg\n")),
            (Rows{"a", "b", "c", "d", "e", "f", "g", ""}));
  EXPECT_EQ(line("a\u2028b"), "a b");
}

TEST_F(Shown, OverridesGoAndWhatIsReadFromTheRightIsIsolated) {
  EXPECT_EQ(line("a\u202eb\u202c\u2066c\u2069"), "abc");
  EXPECT_EQ(line("שלום x"), "\u2068שלום x\u2069");
  EXPECT_EQ(line("\u2069שלום\u2068"), "\u2068שלום\u2069");
  EXPECT_EQ(line("plain"), "plain");
}

TEST_F(Shown, ColumnsAreThoseOfATerminal) {
  EXPECT_EQ(ShownText::line("田中").columns(), 4);
  EXPECT_EQ(ShownText::line("e\u0301").columns(), 1);
  EXPECT_EQ(ShownText::line("A\u200bB\ufe0f").columns(), 2);
  EXPECT_EQ(ShownText::line("\U0001F469\u200d\U0001F467").columns(), 4);  // apart, in all terminals
  EXPECT_EQ(ShownText::line("\U0001F44D\U0001F3FD").columns(), 2);
}

TEST_F(Shown, AFileKeepsEmojiTogether) {
  EXPECT_EQ(line("\U0001F469\u200d\U0001F467 ❤\ufe0f", Form::kFile),
            "\U0001F469\u200d\U0001F467 ❤\ufe0f");
}

TEST_F(Shown, ManyMarksOnOneCharacterAreFew) {
  std::string tower = "e";
  for (int i = 0; i < 100; ++i) tower += "\u0301";
  EXPECT_EQ(line(tower).size(), 1U + 4 * 2);
  EXPECT_EQ(line("\u0301"), "");  // would stand on what is before it
}

TEST_F(Shown, RowsAreAsWideAsAskedForAndBrokenAtSpaces) {
  EXPECT_EQ(rows(ShownText::line("one two three").wrapped(7, 5)), (Rows{"one two", "three"}));
  EXPECT_EQ(rows(ShownText::line("abcdefgh").wrapped(3, 4)), (Rows{"abc", "defg", "h"}));
  EXPECT_EQ(rows(ShownText::line("田中太郎").wrapped(3, 5)), (Rows{"田", "中太", "郎"}));
  EXPECT_EQ(rows(ShownText::line("").wrapped(3, 5)), Rows{""});
}

TEST_F(Shown, ACutSaysSo) {
  EXPECT_EQ(ShownText::line("conversation").cut(5).bytes(), "conv…");
  EXPECT_EQ(ShownText::line("田中太郎").cut(4).bytes(), "田…");
  EXPECT_EQ(ShownText::line("five5").cut(5).bytes(), "five5");
  EXPECT_EQ(ShownText::line("x").cut(0).bytes(), "");
}

TEST_F(Shown, WhatIsMarkedKeepsItsPlace) {
  const auto text = ShownText::line(
      "a\x1b"
      "red b",
      Form::kTerminal, {{2, 3}});
  EXPECT_EQ(text.bytes("<", ">"), "a␛<red> b");
}

TEST_F(Shown, NamesThatDifferLookDifferent) {
  EXPECT_EQ(visible_name("alice"), "alice");
  EXPECT_EQ(visible_name("alice\u200b"), "alice<U+200B>");
  EXPECT_EQ(visible_name("al\u00adice"), "al<U+00AD>ice");
  EXPECT_EQ(visible_name(" alice"), "<U+0020>alice");
  EXPECT_EQ(visible_name("alice\u00a0"), "alice<U+00A0>");
  EXPECT_EQ(visible_name("\u202ealice\n"), "<U+202E>alice<U+000A>");
  EXPECT_EQ(visible_name("❤\ufe0f team"), "❤\ufe0f team");
}

}  // namespace
}  // namespace kith::cli
