// The home directory of kith.
#include "client/cli/home.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace kith::cli {
namespace {

class HomeTest : public testing::Test {
 protected:
  HomeTest() {
    std::string name = testing::TempDir() + "kith-home-XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  ~HomeTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

using Home = HomeTest;  // reads well in the names of the cases

TEST_F(Home, KeepsTheTokenForItsOwnerAlone) {
  const cli::Home home(directory_ + "/deep/home");
  const std::string token("a\0b\nc \xff", 7);
  ASSERT_TRUE(home.save({"wss://x/v1/ws", "bob", "", token}).ok());
  struct stat info {};
  ASSERT_EQ(::stat((home.directory() + "/account").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto account = home.load();
  ASSERT_TRUE(account.ok());
  EXPECT_EQ(account->token, token);
  EXPECT_EQ(account->handle, "bob");
}

TEST_F(Home, SaysWhatToDoWhenNobodyIsSignedIn) {
  const auto account = cli::Home(directory_).load();
  ASSERT_FALSE(account.ok());
  EXPECT_EQ(account.error().code, ErrorCode::kUnauthenticated);
  EXPECT_NE(account.error().message.find("kith login"), std::string::npos);
}

TEST_F(Home, RemembersEveryNameOnce) {
  const cli::Home home(directory_);
  for (const char* name : {"ann", "bob", "ann", "", "two\nlines"}) home.remember(name);
  EXPECT_EQ(home.people(), (std::vector<std::string>{"ann", "bob"}));
}

TEST_F(Home, AccountsDoNotShareACache) {
  const cli::Home home(directory_);
  EXPECT_NE(home.cache_dir({"wss://x/", "ann", "", "t"}),
            home.cache_dir({"wss://x/", "bob", "", "t"}));
  EXPECT_NE(home.cache_dir({"wss://x/", "ann", "", "t"}),
            home.cache_dir({"wss://y/", "ann", "", "t"}));
}

}  // namespace
}  // namespace kith::cli
