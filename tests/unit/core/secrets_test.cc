// Permissions of files with secrets.
#include "src/secrets_posix.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_directory.h"

namespace kith {
namespace {

class SecretFiles : public ::testing::Test {
 protected:
  SecretFiles() {
    ::chmod(scratch_.path().c_str(), 0755);
    std::ofstream(file_) << "secret";
  }
  bool good(mode_t mode, SecretFile readers = SecretFile::kOwner) {
    ::chmod(file_.c_str(), mode);
    return check_secret_file(file_, readers).ok();
  }

  test::ScratchDirectory scratch_;
  std::string file_ = scratch_.file("secret");
};

TEST_F(SecretFiles, AreTheirOwnersAlone) {
  EXPECT_TRUE(good(0600));
  EXPECT_TRUE(good(0400));
  EXPECT_FALSE(good(0640));
  EXPECT_FALSE(good(0604));
  EXPECT_FALSE(good(0644));
  EXPECT_TRUE(good(0640, SecretFile::kGroup));
  EXPECT_FALSE(good(0644, SecretFile::kGroup));
  const Status told = check_secret_file(file_, SecretFile::kOwner);
  EXPECT_NE(told.error().message.find("chmod 600 " + file_), std::string::npos);
}

TEST_F(SecretFiles, MayStandBehindAClosedDoor) {
  ::chmod(scratch_.path().c_str(), 0700);
  EXPECT_TRUE(good(0644));
  ::chmod(scratch_.path().c_str(), 0711);
  EXPECT_FALSE(good(0644)) << "whoever knows the name comes in";
  const std::string link = scratch_.file("link");
  std::filesystem::create_symlink(file_, link);
  EXPECT_FALSE(check_secret_file(link, SecretFile::kOwner).ok()) << "what it leads to counts";
}

TEST_F(SecretFiles, WhatIsNotThereIsToldAsThat) {
  EXPECT_EQ(check_secret_file(file_ + "2", SecretFile::kOwner).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace kith
