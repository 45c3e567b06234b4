// Bytes of terminals, as keys.
#include "client/cli/keys.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

using Kind = Key::Kind;
using Keys = std::vector<Key>;

Keys keys(std::string_view bytes) {
  KeyReader reader;
  Keys out = reader.feed(bytes);
  for (const Key& key : reader.pause()) out.push_back(key);
  return out;
}

TEST(Keys, TextIsCharacters) {
  EXPECT_EQ(keys("aü田"), (Keys{{Kind::kText, "a"}, {Kind::kText, "ü"}, {Kind::kText, "田"}}));
  EXPECT_EQ(keys("\x03\x7f\r\n\t"), (Keys{{Kind::kControl, "c"},
                                          {Kind::kBackspace, ""},
                                          {Kind::kEnter, ""},
                                          {Kind::kNewline, ""},
                                          {Kind::kTab, ""}}));
  EXPECT_EQ(keys("\xff\xe7\x94x"), (Keys{{Kind::kText, "x"}}));  // no UTF-8, and cut off
}

TEST(Keys, SequencesOfSeveralTerminals) {
  for (const char* up : {"\x1b[A", "\x1bOA", "\x1b[1;1A"})
    EXPECT_EQ(keys(up), (Keys{{Kind::kUp, ""}})) << up;
  for (const char* home : {"\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"})
    EXPECT_EQ(keys(home), (Keys{{Kind::kHome, ""}})) << home;
  for (const char* line : {"\x1b\r", "\x1b\n", "\x1b[13;2u", "\x1b[27;3;13~"})
    EXPECT_EQ(keys(line), (Keys{{Kind::kNewline, ""}})) << line;
  EXPECT_EQ(keys("\x1b[1;5D"), (Keys{{Kind::kWordLeft, ""}}));
  EXPECT_EQ(keys("\x1b[1;3A"), (Keys{{Kind::kAltUp, ""}}));
  EXPECT_EQ(keys("\x1b[5~\x1b[6~"), (Keys{{Kind::kPageUp, ""}, {Kind::kPageDown, ""}}));
}

TEST(Keys, AltWithADigitAnAOrADIsAKey) {
  EXPECT_EQ(keys("\x1b\x31\x1b\x61\x1b\x64"),
            (Keys{{Kind::kAlt, "1"}, {Kind::kAlt, "a"}, {Kind::kAlt, "d"}}));
}

TEST(Keys, WhatIsNotKnownDoesNothing) {
  for (const char* noise :
       {"\x1b[15~", "\x1b[1;2P", "\x1b[24;5~", "\x1bx", "\x1b[[B", "\x1b[<0;1;1M", "\x1b[?1;2c",
        "\x1b]11;rgb:0/0/0\x07", "\x1bP>|tmux\x1b\\", "\x1b[200;1~", "\x1b[1;8A", "\x1bOS"})
    EXPECT_EQ(keys(noise), Keys{}) << noise;
  EXPECT_EQ(keys("\x1b[15~a"), (Keys{{Kind::kText, "a"}}));
  // No sequence is so long: the rest is text again.
  EXPECT_EQ(keys("\x1b[" + std::string(500, '1') + "a").back(), (Key{Kind::kText, "a"}));
}

TEST(Keys, AnEscapeIsAKeyWhenNothingFollows) {
  KeyReader reader;
  EXPECT_EQ(reader.feed("\x1b"), Keys{});
  EXPECT_TRUE(reader.waiting());
  EXPECT_EQ(reader.pause(), (Keys{{Kind::kEscape, ""}}));
  EXPECT_FALSE(reader.waiting());
  EXPECT_EQ(reader.feed("\x1b"), Keys{});
  EXPECT_EQ(reader.feed("[A"), (Keys{{Kind::kUp, ""}}));  // in two pieces
  EXPECT_EQ(
      keys("\x1b/to"),
      (Keys{{Kind::kEscape, ""}, {Kind::kText, "/"}, {Kind::kText, "t"}, {Kind::kText, "o"}}));
}

TEST(Keys, APasteIsOnePieceAndNothingInItIsAKey) {
  EXPECT_EQ(keys("\x1b[200~/quit\r\x1b[A\x03\x1b[201~x"),
            (Keys{{Kind::kPaste, "/quit\r\x1b[A\x03"}, {Kind::kText, "x"}}));
  KeyReader slow;
  EXPECT_EQ(slow.feed("\x1b[200~one\r"), Keys{});
  EXPECT_EQ(slow.pause(), Keys{});  // a slow line is no end
  EXPECT_EQ(slow.feed("two\x1b[201"), Keys{});
  EXPECT_EQ(slow.feed("~"), (Keys{{Kind::kPaste, "one\rtwo"}}));
}

TEST(Keys, AHugePasteIsCutAndItsEndSeen) {
  KeyReader reader;
  EXPECT_EQ(reader.feed("\x1b[200~"), Keys{});
  EXPECT_EQ(reader.feed(std::string(3 << 20, 'x')), Keys{});
  const Keys end = reader.feed("\x1b[201~a");
  ASSERT_EQ(end.size(), 2U);
  EXPECT_LE(end[0].text.size(), (1U << 20) + 16);
  EXPECT_EQ(end[1], (Key{Kind::kText, "a"}));
}

}  // namespace
}  // namespace kith::cli
