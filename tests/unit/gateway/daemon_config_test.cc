// The daemon's settings: every mistake is named with its place.
#include "server/daemon/config.h"

#include <gtest/gtest.h>

namespace kith::server::daemon {
namespace {

TEST(DaemonConfig, ReadsAFile) {
  Config config;
  ASSERT_TRUE(
      read_config("k.conf", "# server\nport = 0\r\n  data=/srv/kith  \naccounts = yes\n\n", config)
          .ok());
  EXPECT_EQ(config.options.port, 0);
  EXPECT_EQ(config.options.data_dir, "/srv/kith");
  EXPECT_TRUE(config.options.register_accounts);
}

TEST(DaemonConfig, NamesFileLineAndField) {
  Config config;
  const Status status = read_config("k.conf", "port = 1\n\nshards = many\n", config);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kBadConfig);
  EXPECT_EQ(status.error().message, "k.conf:3: shards is not a number from 1 to 256");
  EXPECT_EQ(read_config("f", "prot = 1", config).error().message, "f:1: no such setting: prot");
  EXPECT_EQ(read_config("f", "port 1", config).error().message, "f:1: expected `name = value`");
}

TEST(DaemonConfig, ReadsFlagsInBothForms) {
  const auto config =
      parse_arguments({"--dev", "--port", "9000", "--data=x", "--plain", "--share-port"});
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(config->dev);
  EXPECT_TRUE(config->plain);
  EXPECT_TRUE(config->options.share_port);
  EXPECT_EQ(config->options.port, 9000);
  EXPECT_EQ(config->options.data_dir, "x");
}

TEST(DaemonConfig, DevelopmentHashesPasswordsCheaplyUnlessACostIsNamed) {
  EXPECT_EQ(parse_arguments({})->options.password_cost, limits::password_cost_default);
  EXPECT_EQ(parse_arguments({"--dev"})->options.password_cost, limits::password_cost_min);
  EXPECT_EQ(parse_arguments({"--password-cost", "16", "--dev"})->options.password_cost, 16U);
  EXPECT_EQ(parse_arguments({"--password-threads=3"})->options.password_threads, 3U);
  EXPECT_EQ(parse_arguments({"--password-cost=9"}).error().message,
            "--password-cost is not a number from 10 to 18");
}

TEST(DaemonConfig, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(parse_arguments({"--port"}).error().message, "--port needs a value");
  EXPECT_EQ(parse_arguments({"--port", "70000"}).error().message,
            "--port is not a number from 0 to 65535");
  EXPECT_EQ(parse_arguments({"--prot=1"}).error().code, ErrorCode::kBadConfig);
  EXPECT_EQ(parse_arguments({"serve"}).error().code, ErrorCode::kBadConfig);
  EXPECT_EQ(parse_arguments({"--config", "/nonexistent/k.conf"}).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace kith::server::daemon
