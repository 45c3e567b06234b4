// The command line of kith.
#include "client/cli/arguments.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

Result<Arguments> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "kith");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(Arguments, OptionsMayStandBeforeAndBehindTheCommand) {
  const auto parsed = parse({"--home", "/h", "history", "bob", "--limit=7", "--json"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->command, "history");
  EXPECT_EQ(parsed->words, std::vector<std::string>{"bob"});
  EXPECT_EQ(parsed->home, "/h");
  EXPECT_EQ(parsed->limit, 7U);
  EXPECT_TRUE(parsed->json);
}

TEST(Arguments, TextOfAMessageIsNoOption) {
  const auto parsed = parse({"send", "bob", "try", "--help"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->help);
  EXPECT_EQ(parsed->words, (std::vector<std::string>{"bob", "try", "--help"}));
}

TEST(Arguments, WordsOfASearchMayBeRestrictedToAConversation) {
  const auto parsed = parse({"search", "red", "\"blue car\"", "--in", "#garage", "--json"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->words, (std::vector<std::string>{"red", "\"blue car\""}));
  EXPECT_EQ(parsed->in, "#garage");
  EXPECT_TRUE(parsed->json);
}

TEST(Arguments, ComplaintNamesTheWord) {
  const auto unknown = parse({"list", "--colour"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("'--colour'"), std::string::npos);
  for (const char* limit : {"0", "x", "3x", "-1", "100001"}) {
    const auto bad = parse({"history", "bob", "--limit", limit});
    ASSERT_FALSE(bad.ok()) << limit;
    EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  }
  const auto bare = parse({"login", "--url"});
  ASSERT_FALSE(bare.ok());
  EXPECT_NE(bare.error().message.find("--url"), std::string::npos);
}

}  // namespace
}  // namespace kith::cli
