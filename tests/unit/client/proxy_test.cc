// Which proxy is asked for which server.
#include "client/transport/proxy.h"

#include <gtest/gtest.h>

namespace kith::client {
namespace {

ServerUrl at(const char* url) {
  return parse_server_url(url).value();
}

std::string asked(const char* url, const ProxyVariables& variables, const char* setting = "") {
  const auto proxy = proxy_for(at(url), setting, variables);
  if (!proxy) return proxy.error().message;
  return *proxy ? (*proxy)->with_address((*proxy)->host) : "direct";
}

TEST(Proxy, IsTheOneOfTheScheme) {
  const ProxyVariables variables{"http://plain:3128", "http://secure:8080/", "http://any:1", ""};
  EXPECT_EQ(asked("ws://chat.example", variables), "plain:3128");
  EXPECT_EQ(asked("wss://chat.example", variables), "secure:8080");
  EXPECT_EQ(asked("wss://chat.example", {"http://plain:3128", "", "any", ""}), "any:80");
  EXPECT_EQ(asked("wss://chat.example", {"http://plain:3128", "", "", ""}), "direct");
}

TEST(Proxy, OfTheApplicationComesBeforeTheEnvironment) {
  const ProxyVariables variables{"http://plain:3128", "http://secure:8080", "", "*"};
  EXPECT_EQ(asked("wss://chat.example", variables, "http://mine:99"), "mine:99");
  EXPECT_EQ(asked("wss://localhost", variables, "http://mine:99"), "mine:99");
  EXPECT_EQ(asked("wss://chat.example", {"", "http://secure:8080", "", ""}, "none"), "direct");
}

TEST(Proxy, IsNotAskedForTheLoopback) {
  const ProxyVariables variables{"http://p:1", "http://p:1", "http://p:1", ""};
  for (const char* url : {"ws://localhost:8443", "wss://LOCALHOST", "ws://a.localhost",
                          "ws://127.0.0.1", "ws://127.9.8.7:1", "wss://[::1]:8443"}) {
    EXPECT_EQ(asked(url, variables), "direct") << url;
  }
  EXPECT_EQ(asked("ws://128.0.0.1", variables), "p:1");
  EXPECT_EQ(asked("ws://notlocalhost", variables), "p:1");
}

TEST(Proxy, NoProxyNamesHostsDomainsAddressesAndNetworks) {
  const char* list =
      "intern, .corp.example,chat.example 10.0.0.0/8,192.168.7.9,fd00::/8,[2001:db8::1]";
  for (const char* host :
       {"intern", "a.corp.example", "corp.example", "chat.example", "CHAT.example",
        "eu.chat.example", "10.1.2.3", "192.168.7.9", "fd12::9", "2001:db8::1"}) {
    EXPECT_TRUE(in_no_proxy(list, host)) << host;
  }
  for (const char* host : {"interns", "xcorp.example", "mychat.example", "chat.example.org",
                           "11.1.2.3", "192.168.7.90", "fe80::1", "2001:db8::2"}) {
    EXPECT_FALSE(in_no_proxy(list, host)) << host;
  }
  EXPECT_TRUE(in_no_proxy("*", "anything"));
  EXPECT_FALSE(in_no_proxy("", "anything"));
  EXPECT_FALSE(in_no_proxy("10.0.0.0/99,10.0.0.0/x,.,,", "10.1.2.3"));
}

TEST(Proxy, KeepsCredentialsAndAddresses) {
  const auto proxy = proxy_for(at("wss://a"), "http://us%65r:p%40ss@[fd00::1]:3128", {}).value();
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->host, "fd00::1");
  EXPECT_EQ(proxy->credentials, "user:p@ss");
  EXPECT_EQ(proxy->with_address("fd00::2"), "user:p@ss@[fd00::2]:3128");
}

TEST(Proxy, SaysWhatIsWrongWithoutThePassword) {
  for (const char* bad :
       {"socks5://p:1", "https://p:1", "http://", "http://p:0", "http://p:x", "http://u:secret@",
        "http://[::1", "http://u:secret@p:70000", "http://a b:1"}) {
    const auto proxy = proxy_for(at("wss://chat.example"), "", {"", bad, "", ""});
    ASSERT_FALSE(proxy) << bad;
    EXPECT_EQ(proxy.error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_NE(proxy.error().message.find("https_proxy"), std::string::npos) << bad;
    EXPECT_EQ(proxy.error().message.find("secret"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace kith::client
