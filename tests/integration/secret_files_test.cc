// Files with keys and secrets that others can read are refused by the server of the library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "kith/server/certificate.h"
#include "kith/server/dev_certificate.h"
#include "kith/server/server.h"

namespace kith::server {
namespace {

class SecretFiles : public testing::Test {
 protected:
  SecretFiles() {
    std::string name = testing::TempDir() + "kith-secret-files-XXXXXX";
    dir_ = ::mkdtemp(name.data());
    ::chmod(dir_.c_str(), 0755);  // behind a closed door everything is closed
    options_.port = 0;
    options_.register_accounts = true;
  }
  ~SecretFiles() override { std::filesystem::remove_all(dir_); }

  void use_tls() {
    const auto made = ensure_dev_certificate(dir_ + "/tls");
    ASSERT_TRUE(made.ok());
    ::chmod((dir_ + "/tls").c_str(), 0755);
    options_.tls_certificate_file = made->certificate_file;
    options_.tls_key_file = made->key_file;
  }
  void expect_open_key(const Status& refused) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kTlsFailed);
    EXPECT_THAT(refused.error().message,
                testing::StartsWith(options_.tls_key_file + ": everybody"));
    EXPECT_THAT(refused.error().message, testing::HasSubstr("chmod o= " + options_.tls_key_file));
  }
  Status start() {
    auto server = Server::start(options_);
    if (server) server_ = std::move(*server);
    return server ? Status() : Status(server.error());
  }

  std::string dir_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(SecretFiles, AServerDoesNotStartWithAKeyThatEverybodyCanRead) {
  use_tls();
  ::chmod(options_.tls_key_file.c_str(), 0604);
  expect_open_key(start());
  const auto checked = check_certificate(options_.tls_certificate_file, options_.tls_key_file);
  expect_open_key(checked ? Status() : Status(checked.error()));
  ::chmod(options_.tls_key_file.c_str(), 0640);  // of a group of services
  const Status started = start();
  EXPECT_TRUE(started.ok()) << started.error().to_string();
}

TEST_F(SecretFiles, AReloadRefusesItTooAndChangesNothing) {
  use_tls();
  ASSERT_TRUE(start().ok());
  ::chmod(options_.tls_key_file.c_str(), 0644);
  expect_open_key(server_->reload_certificate());
  expect_open_key(server_->reload(options_));
  ::chmod(options_.tls_key_file.c_str(), 0600);
  EXPECT_TRUE(server_->reload_certificate().ok());
  EXPECT_TRUE(server_->reload(options_).ok());
}

TEST_F(SecretFiles, AKeptSecretIsItsOwnersAlone) {
  options_.data_dir = dir_ + "/data";
  ASSERT_TRUE(start().ok());
  const std::string secret = options_.data_dir + "/secret";
  ::chmod(options_.data_dir.c_str(), 0755);
  ::chmod(secret.c_str(), 0640);
  const Status refused = server_->reload(options_);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("chmod 600 " + secret));
  server_.reset();
  EXPECT_EQ(start().error().message, refused.error().message);
  ::chmod(secret.c_str(), 0600);
  EXPECT_TRUE(start().ok());
}

}  // namespace
}  // namespace kith::server
