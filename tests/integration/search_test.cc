// Searching end to end: real clients, a real server with its files, and what it does after a restart,
// without its index, and with none at all.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/integration/guide_fixture.h"

namespace guide {
namespace {

class Searching : public Guide {
 protected:
  // Nobody writes to people whom the server does not know.
  void begin(bool search) {
    start(search);
    for (const char* handle : {"bob", "dora"}) enter(handle);
  }
  void start(bool search) {
    server.reset();
    ks::ServerOptions options;
    options.port = 0;
    options.data_dir = dir + "/server";
    options.secret = kSecret;
    options.search = search;
    options.authenticator = std::move(*ks::jwt_authenticator(kSecret));
    auto started = ks::Server::start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    server = std::move(*started);
  }
  static kith::Result<kc::SearchPage> search(kc::Client& client, const kc::SearchQuery& query) {
    return wait_for<kc::SearchPage>([&](auto done) { client.search(query, std::move(done)); });
  }
  // All pages, of the server too.
  static std::vector<std::string> texts(kc::Client& client, const std::string& words) {
    std::vector<std::string> found;
    kc::SearchQuery query{.text = words};
    do {
      const auto page = search(client, query);
      if (!page || !page->complete) return {"the server did not answer"};
      for (const auto& hit : page->hits) found.push_back(hit.message.text);
      query.after = page->next;
    } while (!query.after.empty());
    return found;
  }
  // The index follows a moment behind; it tells nobody, so it is asked.
  void wait_until_indexed(std::uint64_t messages) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (server->stats().at("search_indexed") < messages) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "not indexed";
      std::this_thread::yield();
    }
  }
  static void write(kc::Client& from, const std::string& to, int first, int last) {
    const auto chat = from.direct(to);
    for (int n = first; n <= last; ++n) {
      const std::string more = n % 50 == 0 ? " 部署今天完成" : n % 70 == 0 ? " walrus" : "";
      ASSERT_TRUE(from.send(chat, "line " + std::to_string(n) + more).ok());
    }
    ASSERT_TRUE(from.wait_sent(kPatience).ok());
  }
  // A device of bob that has seen nothing yet: most of the history is on the server alone.
  std::unique_ptr<kc::Client> fresh_device(int number) {
    const std::string home = dir + "/fresh" + std::to_string(number);
    auto client =
        open_account(server->url(), "bob", home, kc::fixed_token(token_for(kSecret, "bob")));
    if (!client) throw std::runtime_error(client.error().to_string());
    if (auto online = (*client)->wait_online(kPatience); !online)
      throw std::runtime_error(online.error().to_string());
    return std::move(*client);
  }
};

TEST_F(Searching, ADeviceFindsWhatOnlyTheServerHolds) {
  begin(true);
  {
    auto alice = enter("alice");
    auto cleo = enter("cleo");
    write(*alice, "bob", 1, 300);
    write(*cleo, "bob", 301, 400);
    write(*cleo, "dora", 401, 420);
  }
  const std::vector<std::string> walrus{"line 280 walrus", "line 210 walrus", "line 140 walrus",
                                        "line 70 walrus"};
  wait_until_indexed(420);
  auto bob = fresh_device(1);
  EXPECT_EQ(texts(*bob, "walrus"), walrus);
  EXPECT_EQ(texts(*bob, "署今").size(), 8u);
  EXPECT_EQ(texts(*bob, "lin").size(), 400u);
  EXPECT_EQ(texts(*bob, "\"line 17\""), (std::vector<std::string>{"line 17"}));
  EXPECT_TRUE(texts(*bob, "\"line 410\"").empty()) << "is of others";

  bob.reset();
  start(true);
  bob = fresh_device(2);
  EXPECT_EQ(texts(*bob, "walrus"), walrus) << "after a restart";

  bob.reset();
  server.reset();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(dir + "/server/search.db" + suffix);
  start(true);
  wait_until_indexed(420);
  bob = fresh_device(3);
  EXPECT_EQ(texts(*bob, "walrus"), walrus) << "without its index";
}

TEST_F(Searching, AServerWithoutAnIndexLeavesItToTheDevices) {
  begin(false);
  auto alice = enter("alice");
  write(*alice, "bob", 1, 10);
  const auto page = search(*alice, {.text = "\"line 7\""});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->hits.size(), 1u);
  EXPECT_FALSE(page->complete);
  EXPECT_FALSE(std::filesystem::exists(dir + "/server/search.db"));
  EXPECT_EQ(server->stats().at("searches"), 0u) << "it was not asked";
}

}  // namespace
}  // namespace guide
