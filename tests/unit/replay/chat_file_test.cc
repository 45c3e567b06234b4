// Reading chat logs.
#include "examples/replay/chat_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace replay {
namespace {

std::vector<ChatRoom> read(const std::string& text, std::string* error, std::size_t rooms = 9,
                           std::size_t messages = 0) {
  const std::string path = testing::TempDir() + "chat_file_test.jsonl";
  std::ofstream(path) << text;
  auto out = read_chat(path, rooms, messages, error);
  std::remove(path.c_str());
  return out;
}

constexpr char kRoom[] =
    R"({"room":"r","line":5,"nick":"ann","text":"hi","time":"10:02"}
{"room":"r","line":6,"nick":"eve","event":"joined"}
{"room":"r","line":7,"nick":"bob","text":"yo","reply_to":5,"time":"10:03"}
{"room":"r","line":8,"nick":"ann","text":"","reply_to":7}
{"room":"r","line":9,"nick":"ann","text":"so","reply_to":6}
{"room":"s","line":1,"nick":"ann","text":"elsewhere"}
)";

TEST(ChatFile, KeepsMessagesAndWhatTheyAnswer) {
  std::string error;
  const auto rooms = read(kRoom, &error);
  ASSERT_EQ(rooms.size(), 2U) << error;
  ASSERT_EQ(rooms[0].lines.size(), 3U);
  // A hash tells apart what a handle cannot: "Ann" and "ann", "a[nn]".
  EXPECT_EQ(rooms[0].nicks, (std::vector<std::string>{"ann-d8361d", "bob-58df7b"}));
  EXPECT_EQ(rooms[0].lines[1].reply_to, 0U);
  EXPECT_EQ(rooms[0].lines[1].minute, 603);
  EXPECT_EQ(rooms[0].lines[2].reply_to, Line::kNoReply);  // an answer to an event
}

TEST(ChatFile, TakesNoMoreThanAskedFor) {
  std::string error;
  const auto rooms = read(kRoom, &error, 1, 2);
  ASSERT_EQ(rooms.size(), 1U) << error;
  EXPECT_EQ(rooms[0].lines.size(), 2U);
}

TEST(ChatFile, NamesTheLineThatIsNoChat) {
  std::string error;
  EXPECT_TRUE(read(std::string(kRoom) + "{oops\n", &error).empty());
  EXPECT_NE(error.find("line 7"), std::string::npos) << error;
  error.clear();
  EXPECT_TRUE(read("", &error).empty());
  EXPECT_NE(error.find("no messages"), std::string::npos) << error;
  error.clear();
  EXPECT_TRUE(read_chat("/nowhere/at/all", 1, 0, &error).empty());
  EXPECT_NE(error.find("cannot read"), std::string::npos) << error;
}

TEST(ChatFile, ReadsTheBundledSlice) {
  std::string error;
  const auto rooms = read_chat(KITH_CHAT_SLICE, 100, 0, &error);
  ASSERT_EQ(rooms.size(), 4U) << error;
  for (const auto& room : rooms) EXPECT_EQ(room.lines.size(), 700U) << room.name;
}

}  // namespace
}  // namespace replay
