// Frames of the full screen, small ones most of all.
#include "client/cli/painter.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

MessageId id(std::uint8_t n) {
  std::array<std::uint8_t, MessageId::kSize> bytes{};
  bytes[15] = n;
  return MessageId(bytes);
}

class Painter : public testing::Test {
 protected:
  Painter() {
    use_utf8_locale();
    picture.self = "alice";
    picture.connection = client::ConnectionState::kOnline;
    client::Conversation c;
    c.type = ConversationType::kDirect;
    picture.conversations.push_back(c);
    picture.titles.emplace_back("bob");
    picture.open = 0;
  }
  void add(const std::string& sender, const std::string& text, std::int64_t ms = 1'000'000'000) {
    client::Message m;
    m.id = id(static_cast<std::uint8_t>(picture.timeline.size() + 1));
    m.seq = Seq(picture.timeline.size() + 1);
    m.text = text;
    m.time = Timestamp{ms};
    m.mine = sender == "alice";
    picture.timeline.push_back(m);
    picture.senders.push_back(sender);
  }
  std::vector<std::string> lines(int height, int width) {
    frame = paint(picture, editor, view, height, width);
    std::vector<std::string> out;
    for (int y = 0; y < frame.height; ++y) {
      std::string line = frame.line(y);
      while (!line.empty() && line.back() == ' ') line.pop_back();
      out.push_back(line);
    }
    return out;
  }
  std::string all(int height, int width) {
    std::string out;
    for (const auto& line : lines(height, width)) out += line + "\n";
    return out;
  }
  // Nothing stands on anything else, nor beyond the edge, and the cursor is on the frame.
  void expect_tidy(int height, int width) {
    frame = paint(picture, editor, view, height, width);
    ASSERT_EQ(frame.height, height);
    for (const auto& rows : frame.lines) {
      int end = 0;
      for (const Row& row : rows) {
        ASSERT_GE(row.x, end);
        end = row.x + row.columns();
        ASSERT_LE(end, width);
      }
    }
    EXPECT_LT(frame.cursor_x, width);
    EXPECT_LT(frame.cursor_y, height);
  }

  Picture picture;
  LineEditor editor;
  View view;
  Frame frame;
};

TEST_F(Painter, EverySizeIsKept) {
  picture.titles[0] = "田中太郎山田花子 with a long name";
  add("田中太郎山田花子", std::string(150, 'x') + " 田田田田 end");
  add("alice", "שלום\n\U0001F469\u200d\U0001F467 and more");
  picture.conversations[0].unread = 1234;
  picture.connection_reason = "a long reason why nothing works";
  picture.connection = client::ConnectionState::kConnecting;
  editor.paste("a text that is longer than the terminal is wide\nand has\nmany\nlines 田田田");
  for (const int height : {5, 6, 12, 24, 60}) {
    for (const int width : {20, 21, 40, 59, 60, 80, 200}) expect_tidy(height, width);
  }
  for (const bool up : {true, false}) {
    while (up ? editor.up() : editor.down()) expect_tidy(12, 40);
  }
  EXPECT_EQ(lines(4, 80)[0], "too small");
}

TEST_F(Painter, ALineOfAMessageIsNotAnotherPersons) {
  add("mallory", "ok\n12:00 bob I owe you");
  const auto shown = lines(12, 80);
  const auto line = std::find_if(shown.begin(), shown.end(),
                                 [](const auto& each) { return each.find("owe") != each.npos; });
  ASSERT_NE(line, shown.end());
  EXPECT_NE(line->find("│         12:00 bob"), std::string::npos) << *line;
}

TEST_F(Painter, EveryDayHasItsLine) {
  add("bob", "old", 1'700'000'000'000);
  add("bob", "same day", 1'700'000'001'000);
  add("bob", "new", 1'700'200'000'000);
  const std::string shown = all(24, 80);
  EXPECT_NE(shown.find("14 November 2023"), std::string::npos) << shown;
  EXPECT_NE(shown.find("17 November 2023"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("14 November 2023"), shown.rfind("14 November 2023"));
}

TEST_F(Painter, HintsAreWrappedAndNotCut) {
  view.notice = "Write and press Enter. /to WHO opens a conversation, /help shows more.";
  const auto shown = lines(12, 40);
  EXPECT_EQ(shown[9], " Write and press Enter. /to WHO opens a");
  EXPECT_EQ(shown[10], " conversation, /help shows more.");
}

TEST_F(Painter, TheSelectedMessageIsOnTheFrame) {
  for (int i = 0; i < 100; ++i) add("bob", "message " + std::to_string(i));
  view.selected = id(5);
  EXPECT_NE(all(12, 40).find("message 4"), std::string::npos);
  bool reversed = false;
  for (const auto& rows : frame.lines) {
    for (const Row& row : rows) {
      for (const Span& span : row.spans)
        reversed |= span.style.reverse && span.text.bytes() == "message 4";
    }
  }
  EXPECT_TRUE(reversed);
  view.selected = id(100);
  EXPECT_NE(all(12, 40).find("message 99"), std::string::npos);
}

TEST_F(Painter, ScrollingEndsAtTheOldestMessage) {
  for (int i = 0; i < 100; ++i) add("bob", "message " + std::to_string(i));
  view.scroll = 10'000;
  EXPECT_NE(all(12, 40).find("message 0"), std::string::npos);
  EXPECT_TRUE(view.at_oldest);
  view.scroll = 0;
  EXPECT_NE(all(12, 40).find("message 99"), std::string::npos);
  EXPECT_FALSE(view.at_oldest);
}

TEST_F(Painter, WhatIsLookedAtStaysWhenMessagesArrive) {
  for (int i = 0; i < 40; ++i) add("bob", "line " + std::to_string(i));
  (void)lines(12, 80);
  view.scroll = 10;
  const auto before = lines(12, 80);
  add("bob", "news");
  add("bob", "a long one\nwith a second line");
  auto now = lines(12, 80);
  for (int y = 0; y < 10; ++y)
    EXPECT_EQ(now[static_cast<std::size_t>(y)], before[static_cast<std::size_t>(y)]);
  view.scroll += 2;  // PgUp still moves
  EXPECT_NE(lines(12, 80)[5], before[5]);
  view.scroll = 0;  // End
  EXPECT_NE(all(12, 80).find("second line"), std::string::npos);
}

TEST_F(Painter, ALineDividesWhatIsNew) {
  add("bob", "old");
  add("bob", "fresh");
  EXPECT_EQ(all(12, 80).find("── new ──"), std::string::npos);
  view.first_new = picture.timeline[1].id;
  const std::string text = all(12, 80);
  EXPECT_LT(text.find("old"), text.find("── new ──"));
  EXPECT_LT(text.find("── new ──"), text.find("fresh"));
}

TEST_F(Painter, AConversationThatIsToBeginHasItsHead) {
  picture.open.reset();
  picture.wanted = "zed";
  EXPECT_NE(lines(12, 40)[0].find("zed"), std::string::npos);
}

TEST_F(Painter, WhyNothingWasSearchedIsNotCutOff) {
  picture.found = Found{
      "***", {}, {}, {}, "", "a query has a letter, a digit or an emoji, as this sentence says"};
  const std::string text = all(12, 40);
  EXPECT_NE(text.find("sentence says"), std::string::npos);
  EXPECT_EQ(text.find("0 found"), std::string::npos);
  EXPECT_NE(text.find("Esc goes back"), std::string::npos);
  EXPECT_EQ(text.find("…"), std::string::npos);
}

TEST_F(Painter, APageBeginsAtItsBeginning) {
  Page page{1, "help", {}};
  for (int i = 0; i < 60; ++i) page.lines.push_back("line " + std::to_string(i));
  picture.page = page;
  view.page_top = 7;
  auto shown = lines(12, 40);
  EXPECT_EQ(shown[0], "help");
  EXPECT_EQ(shown[1], "line 0");
  view.page_top = 1'000;
  shown = lines(12, 40);
  EXPECT_NE(all(12, 40).find("line 59"), std::string::npos);
}

TEST_F(Painter, TheComposerShowsTheLineOfTheCursor) {
  editor.paste("one\ntwo\nthree\nfour\nfive\nsix");
  const auto shown = lines(12, 40);
  EXPECT_EQ(shown[11], "  six");
  EXPECT_EQ(frame.cursor_y, 11);
  EXPECT_EQ(frame.cursor_x, 5);
}

TEST_F(Painter, WhatWasFoundIsMarked) {
  Found found{"red", {}, {"#cars"}, {"bob"}, "", ""};
  client::SearchHit hit;
  hit.message.text = "a red car";
  hit.message.id = id(1);
  hit.matches = {{2, 3}};
  found.hits.push_back(hit);
  picture.found = found;
  EXPECT_NE(all(12, 80).find("#cars"), std::string::npos);
  std::string marked;
  for (const auto& rows : frame.lines) {
    for (const Row& row : rows) {
      for (const Span& span : row.spans) {
        for (const Glyph& glyph : span.text.glyphs()) marked += glyph.marked ? glyph.bytes : "";
      }
    }
  }
  EXPECT_EQ(marked, "red");
}

}  // namespace
}  // namespace kith::cli
