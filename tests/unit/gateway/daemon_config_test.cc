// The daemon's settings: every mistake is named with its place.
#include "server/daemon/config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/scratch_directory.h"

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
  EXPECT_EQ(status.error().message, "k.conf:3: shards is not a number from 1 to 64");
  EXPECT_EQ(read_config("f", "prot = 1", config).error().message,
            "f:1: prot: there is no such setting; did you mean port?");
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

TEST(DaemonConfig, ReadsHowConversationsAreDivided) {
  const auto config = parse_arguments(
      {"--dev", "--partitions", "4", "--loops=3", "--roles", "search, people,messages,gateway"});
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  EXPECT_EQ(config->options.partitions, 4U);
  EXPECT_EQ(config->options.loops, 3U);
  EXPECT_EQ(config->options.roles, Roles());
  const auto idle = parse_arguments({"--dev", "--loops", "3"});
  EXPECT_EQ(idle.error().code, ErrorCode::kBadConfig);
  EXPECT_EQ(idle.error().message,
            "--loops is 3, and at most partitions + 1 loops have something to do: partitions is 1");
}

TEST(DaemonConfig, OneProcessHasAllRoles) {
  Config config;
  EXPECT_EQ(read_config("f", "roles = gateway,message", config).error().message,
            "f:1: roles has 'message', which is none of gateway, messages, people, search");
  const Error some = read_config("f", "roles = gateway, messages", config).error();
  EXPECT_EQ(some.code, ErrorCode::kBadConfig);
  EXPECT_NE(some.message.find("no engine joins several"), std::string::npos) << some.message;
}

TEST(DaemonConfig, ReadsAListOfTrustedProxies) {
  const auto config = parse_arguments(
      {"--dev", "--trusted-proxies", "127.0.0.1, 10.0.0.0/8,::1", "--proxy-protocol"});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->options.trusted_proxies,
            (std::vector<std::string>{"127.0.0.1", "10.0.0.0/8", "::1"}));
  EXPECT_TRUE(config->options.proxy_protocol);
  EXPECT_EQ(parse_arguments({"--trusted-proxies=1.2.3.4,,"}).error().code, ErrorCode::kBadConfig);
}

TEST(DaemonConfig, NamesTheProxyThatIsNone) {
  Config config;
  EXPECT_EQ(
      read_config("f", "plain = yes\ntrusted-proxies = ::1, banana\n", config).error().message,
      "f:2: trusted-proxies has 'banana', which is neither an address nor a range (10.0.0.0/8)");
  for (const char* wrong :
       {"10.0.0.0/33", "fd00::/129", "10.0.0.0/", "/8", "10.0.0.0/8/8", "[::1]", "1.2.3.4:80"}) {
    const auto refused = parse_arguments({"--trusted-proxies", wrong});
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::kBadConfig) << wrong;
  }
  EXPECT_TRUE(parse_arguments({"--trusted-proxies", "0.0.0.0/0,fd00::/128,192.0.2.1/32"}).ok());
  const auto nobody = parse_arguments({"--dev", "--proxy-protocol"});
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().message,
            "--proxy-protocol needs trusted-proxies: nobody's word would be taken");
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

std::string wrong(std::string_view content) {
  Config config;
  const Status status = read_config("f", content, config);
  return status.ok() ? "" : status.error().message;
}

TEST(DaemonConfig, TakesWhatEditorsPutAroundAFile) {
  Config config;
  const Status read = read_config(
      "f", "\xef\xbb\xbfport = 1\r\n\r\ndata = \"/srv/a # b\"\r\nkey='k.pem'\r\n", config);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(config.options.port, 1);
  EXPECT_EQ(config.options.data_dir, "/srv/a # b");
  EXPECT_EQ(config.options.tls_key_file, "k.pem");
  EXPECT_EQ(wrong(std::string_view("\xff\xfep\0o\0", 6)), "f: is UTF-16; save it as UTF-8");
  EXPECT_EQ(wrong(std::string_view("data = a\0b", 10)), "f: is no text in UTF-8");
  EXPECT_EQ(wrong("data = \"/srv\n"), "f:1: data has quotes that do not belong together");
  EXPECT_EQ(
      wrong("data = /srv # here\n"),
      "f:1: data has a comment behind it; a comment is a line of its own (or quote the value)");
}

TEST(DaemonConfig, RefusesASettingThatIsSetTwice) {
  EXPECT_EQ(wrong("port = 1\n#\nport = 1\n"), "f:3: port is set already, at f:1");
  EXPECT_EQ(parse_arguments({"--port", "1", "--port=2"}).error().message,
            "--port is given twice, differently");
  EXPECT_TRUE(parse_arguments({"--plain", "--port=2", "--plain", "--port", "2"}).ok());
  EXPECT_EQ(parse_arguments({"--plain", "--plain=no"}).error().message,
            "--plain is given twice, differently");
}

TEST(DaemonConfig, SuggestsWhatMayBeMeant) {
  EXPECT_EQ(wrong("certficate = x"),
            "f:1: certficate: there is no such setting; did you mean certificate?");
  EXPECT_EQ(wrong("shard = 2"), "f:1: shard: there is no such setting; did you mean shards?");
  EXPECT_EQ(wrong("colour = red"), "f:1: colour: there is no such setting");
  EXPECT_EQ(wrong("dev = yes"), "f:1: dev: there is no such setting; it is a flag only");
  EXPECT_EQ(parse_arguments({"--prot", "1"}).error().message,
            "--prot: there is no such setting; did you mean port?");
}

TEST(DaemonConfig, ListensOnAddressesOnly) {
  Config config;
  ASSERT_TRUE(read_config("f", "listen = [::1]\nadmin-address = 0.0.0.0\n", config).ok());
  EXPECT_EQ(config.options.listen_address, "::1");
  EXPECT_EQ(wrong("listen = localhost"),
            "f:1: listen is no IP address, e.g. 127.0.0.1, 0.0.0.0 or ::1");
  EXPECT_EQ(wrong("listen = [127.0.0.1]"),
            "f:1: listen is no IP address, e.g. 127.0.0.1, 0.0.0.0 or ::1");
}

class FlagsAndFile : public ::testing::Test {
 protected:
  Result<Config> parse(const std::string& content, std::vector<std::string> flags) {
    const std::string path = dir.path() + "/k.conf";
    std::ofstream(path) << content;
    flags.push_back("--config=" + path);
    return parse_arguments(flags);
  }
  test::ScratchDirectory dir;
};

TEST_F(FlagsAndFile, FlagsWinWithoutException) {
  EXPECT_FALSE(parse("plain = yes\n", {"--plain=no"})->plain);
  EXPECT_TRUE(parse("plain = no\n", {"--plain"})->plain);
  EXPECT_TRUE(parse("share-port = no\n", {"--share-port"})->options.share_port);
  EXPECT_FALSE(parse("accounts = yes\n", {"--accounts=no"})->options.register_accounts);
  EXPECT_FALSE(parse("", {"--accounts=no", "--dev"})->options.register_accounts);
  EXPECT_EQ(parse("password-cost = 12\n", {"--dev"})->options.password_cost, 12U);
  EXPECT_EQ(parse("password-cost = 12\n", {"--dev", "--password-cost=13"})->options.password_cost,
            13U);
  const auto tls = parse("plain = yes\n", {"--certificate=c", "--key=k"});
  EXPECT_FALSE(tls->plain);
  EXPECT_EQ(tls->options.tls_certificate_file, "c");
  const auto plain = parse("certificate = c\nkey = k\n", {"--plain"});
  EXPECT_TRUE(plain->plain);
  EXPECT_EQ(plain->options.tls_certificate_file, "");
}

TEST_F(FlagsAndFile, WhatExcludesEachOtherIsRefusedWithBothPlaces) {
  const auto both = parse("plain = yes\ncertificate = c\n", {});
  ASSERT_FALSE(both.ok());
  const std::string file = dir.path() + "/k.conf";
  EXPECT_EQ(both.error().message,
            file + ":2: certificate and " + file + ":1: plain exclude each other");
}

}  // namespace
}  // namespace kith::server::daemon
