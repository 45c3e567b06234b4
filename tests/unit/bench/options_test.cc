// Options: every flag is read, every mistake is named.
#include "benchmarks/load/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace kith::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string said_about(const std::vector<std::string>& arguments) {
  const auto options = parse_options(arguments);
  if (options) return "nothing";
  EXPECT_EQ(options.error().code, ErrorCode::kBadConfig);
  return options.error().message;
}

TEST(BenchOptions, ReadsAWholeLine) {
  const std::string path = testing::TempDir() + "bench_secret";
  std::ofstream(path) << std::string(40, 's') << "\n";
  const auto options = parse_options({"open", "--url", "ws://localhost:1/v1/ws", "--secret-file",
                                      path, "--connections=20", "--rate", "100,2.5e3", "--json",
                                      "--cpu", "1", "--until", "received"});
  ASSERT_TRUE(options) << options.error().to_string();
  EXPECT_EQ(options->scenario, "open");
  EXPECT_EQ(options->secret, std::string(40, 's'));
  EXPECT_EQ(options->connections, 20U);
  EXPECT_THAT(options->rates, ElementsAre(100, 2500));
  EXPECT_TRUE(options->json);
  EXPECT_EQ(options->cpu, 1);
  EXPECT_EQ(options->until, Until::kReceived);
}

TEST(BenchOptions, NamesWhatIsWrong) {
  EXPECT_THAT(said_about({}), HasSubstr("which scenario"));
  EXPECT_THAT(said_about({"dance"}), HasSubstr("dance"));
  EXPECT_THAT(said_about({"pairs"}), HasSubstr("--url is missing"));
  EXPECT_THAT(said_about({"pairs", "--url", "ws://h"}), HasSubstr("--secret-file is missing"));
  EXPECT_THAT(said_about({"pairs", "--nonsense", "1"}), HasSubstr("--nonsense"));
  EXPECT_THAT(said_about({"pairs", "--rate", "1,x"}), HasSubstr("--rate is not a rate"));
  EXPECT_THAT(said_about({"pairs", "--connections", "0"}),
              HasSubstr("--connections is not a number"));
  EXPECT_THAT(said_about({"idle", "--url", "ws://h", "--token", "t"}), HasSubstr("one connection"));
  EXPECT_THAT(said_about({"pairs", "--until", "tea"}), HasSubstr("--until"));
}

TEST(BenchOptions, ScenariosSayWhatTheyNeed) {
  const std::string path = testing::TempDir() + "bench_secret2";
  std::ofstream(path) << std::string(32, 's');
  const std::vector<std::string> rest = {"--url", "ws://h", "--secret-file", path};
  const auto with = [&](std::vector<std::string> first) {
    first.insert(first.end(), rest.begin(), rest.end());
    return said_about(first);
  };
  EXPECT_THAT(with({"crash"}), HasSubstr("--server-cmd"));
  EXPECT_THAT(with({"group", "--cursor", "7"}), HasSubstr("--cursor goes with"));
  EXPECT_THAT(with({"idle", "--conversations", "100"}), HasSubstr("pairs and open"));
  EXPECT_THAT(with({"pairs", "--connections", "20", "--conversations", "9"}),
              HasSubstr("does not fit: 10 senders and as many receivers have 10 to 100"));
  EXPECT_THAT(with({"open", "--connections", "20", "--conversations", "101"}),
              HasSubstr("does not fit"));
  EXPECT_THAT(with({"open", "--connections", "20", "--conversations", "100"}), "nothing");
  EXPECT_THAT(with({"pairs", "--plot", "x.svg"}), HasSubstr("open"));
  EXPECT_THAT(with({"pairs", "--connections", "1"}), HasSubstr("2 or more"));
  EXPECT_EQ(with({"connect", "--connections", "1"}), "nothing");
}

TEST(BenchOptions, JitterIsOnUnlessItIsSaidOtherwise) {
  EXPECT_TRUE(
      parse_options({"connect", "--url", "ws://h", "--token", "t", "--connections", "1"})->jitter);
  EXPECT_FALSE(parse_options({"connect", "--url", "ws://h", "--token", "t", "--connections", "1",
                              "--jitter", "no"})
                   ->jitter);
  EXPECT_FALSE(parse_options({"connect", "--url", "ws://h", "--token", "t", "--connections", "1",
                              "--jitter", "perhaps"})
                   .ok());
}

TEST(BenchOptions, AShortSecretIsRefusedAndAMissingFileNamed) {
  const std::string path = testing::TempDir() + "bench_short";
  std::ofstream(path) << "short";
  EXPECT_THAT(said_about({"pairs", "--url", "ws://h", "--secret-file", path}),
              HasSubstr("32 bytes"));
  const auto missing = parse_options({"pairs", "--url", "ws://h", "--secret-file", path + ".not"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
  EXPECT_THAT(missing.error().message, HasSubstr("bench_short.not"));
}

}  // namespace
}  // namespace kith::bench
