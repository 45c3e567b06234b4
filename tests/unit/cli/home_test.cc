// The home directory of kith.
#include "client/cli/home.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

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

::mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST_F(Home, IsItsOwnersAloneWhateverTheUmask) {
  const ::mode_t before = ::umask(0);
  const cli::Home home(directory_ + "/new");
  ASSERT_TRUE(home.save({"wss://x/v1/ws", "bob", "", "t"}).ok());
  home.remember("ann");
  home.remember_group("team", {});
  ::umask(before);
  EXPECT_EQ(mode_of(home.directory()), 0700U);
  for (const char* file : {"/account", "/people", "/groups"})
    EXPECT_EQ(mode_of(home.directory() + file), 0600U) << file;
}

TEST_F(Home, ModesOfAnEarlierReleaseAreMended) {
  const cli::Home home(directory_);
  ASSERT_TRUE(home.save({"wss://x/v1/ws", "bob", "", "t"}).ok());
  home.remember("ann");
  std::filesystem::create_directory(directory_ + "/cache-1");
  std::ofstream(directory_ + "/cache-1/cache.db") << "x";
  ::chmod(directory_.c_str(), 0755);
  ::chmod((directory_ + "/people").c_str(), 0644);
  ::chmod((directory_ + "/cache-1/cache.db").c_str(), 0644);
  const auto prepared = home.prepare();
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(*prepared, "");
  EXPECT_EQ(mode_of(directory_), 0700U);
  EXPECT_EQ(mode_of(directory_ + "/people"), 0600U);
  EXPECT_EQ(mode_of(directory_ + "/cache-1/cache.db"), 0600U);
}

TEST_F(Home, ADirectoryWithOtherThingsInItKeepsItsModeAndIsWarnedOf) {
  std::ofstream(directory_ + "/photo.jpg") << "x";
  ::chmod(directory_.c_str(), 0755);
  const cli::Home home(directory_);
  home.remember("ann");
  const auto prepared = home.prepare();
  ASSERT_TRUE(prepared.ok());
  EXPECT_NE(prepared->find("chmod 700"), std::string::npos);
  EXPECT_EQ(mode_of(directory_), 0755U);
}

TEST_F(Home, KnowsWhichGroupsATitleHasMeant) {
  const cli::Home home(directory_);
  const ConversationId one(*ConversationId::parse(std::string(32, '1')));
  const ConversationId two(*ConversationId::parse(std::string(32, '2')));
  home.remember_group("the team", one);
  home.remember_group("the team", one);
  home.remember_group("other", two);
  EXPECT_EQ(home.groups("the team"), std::vector<ConversationId>{one});
  EXPECT_TRUE(home.groups("team").empty());
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
