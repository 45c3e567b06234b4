// The replay's own count of words, which searches are compared with.
#include <gtest/gtest.h>

#include "examples/replay/search_words.h"

namespace replay {
namespace {

ChatRoom room_of(const std::vector<std::string>& texts) {
  ChatRoom room;
  for (const auto& text : texts) room.lines.push_back({"ann", text, Line::kNoReply, 0});
  return room;
}

TEST(SearchWords, CountsLinesOnceAndWholeWordsOnly) {
  const auto words = search_words(room_of({"Lunch, lunch!", "lunchtime", "no LUNCH here"}), 10);
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front().word, "lunch");
  EXPECT_EQ(words.front().least, 2u);
  EXPECT_EQ(words.front().most, 2u);
}

TEST(SearchWords, LinesWithOtherLettersMayOrMayNotHaveIt) {
  const auto words = search_words(room_of({"cafe", "café", "the cafe"}), 10);
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words.front().word, "cafe");
  EXPECT_EQ(words.front().least, 2u);
  EXPECT_EQ(words.front().most, 3u);
}

TEST(SearchWords, SpreadsFromTheCommonestToTheRarest) {
  std::vector<std::string> texts;
  for (char word = 'a'; word <= 'z'; ++word) {
    for (char n = 'a'; n <= word; ++n) texts.push_back(std::string(5, word));
  }
  const auto words = search_words(room_of(texts), 3);
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0].word, "zzzzz");
  EXPECT_EQ(words[2].word, "aaaaa");
  EXPECT_EQ(words[2].least, 1u);
}

}  // namespace
}  // namespace replay
