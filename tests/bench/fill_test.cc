// Filler: a real server starts on a filled directory, and a real client reads in it and writes on.
#include "benchmarks/fill/filler.h"

#include <gtest/gtest.h>

#include <future>

#include "kith/client/client.h"
#include "kith/core/time.h"
#include "kith/server/server.h"
#include "tests/scratch_directory.h"

namespace kith::bench {
namespace {

using namespace std::chrono_literals;
using test::ScratchDirectory;

constexpr auto kPatience = 60s;  // a bound for a hung test, never a measure
const std::string kSecret = "a secret of at least thirty-two bytes";

FillOptions two_thousand(const std::string& data) {
  FillOptions options;
  options.data = data;
  options.messages = 2'000;
  options.conversations = 20;
  options.users = 10;
  options.prefix = "old";
  options.bytes = 30;
  return options;
}

std::unique_ptr<server::Server> serve(const std::string& data) {
  server::ServerOptions options;
  options.port = 0;
  options.data_dir = data;
  options.authenticator = std::move(*server::jwt_authenticator(kSecret));
  auto started = server::Server::start(std::move(options));
  EXPECT_TRUE(started) << started.error().to_string();
  return started ? std::move(*started) : nullptr;
}

std::unique_ptr<client::Client> enter(const server::Server& server, const std::string& handle,
                                      const std::string& cache) {
  client::ClientOptions options;
  options.url = server.url();
  options.handle = handle;
  options.cache_dir = cache;
  const std::int64_t now = system_clock().wall().ms;
  options.token =
      client::fixed_token(server::make_jwt(kSecret, {handle, handle, now, now + 3'600'000}));
  auto client = client::Client::open(options);
  EXPECT_TRUE(client) << client.error().to_string();
  if (!client) return nullptr;
  (*client)->connect();
  const auto online = (*client)->wait_online(kPatience);
  EXPECT_TRUE(online) << online.error().to_string();
  return std::move(*client);
}

std::vector<client::Message> history(client::Client& client, const ConversationId& conversation,
                                     Seq before, std::size_t limit) {
  std::promise<Result<std::vector<client::Message>>> told;
  client.history(conversation, before, limit, [&](auto page) { told.set_value(std::move(page)); });
  auto page = told.get_future();
  if (page.wait_for(kPatience) != std::future_status::ready) return {};
  const auto messages = page.get();
  EXPECT_TRUE(messages) << messages.error().to_string();
  return messages ? *messages : std::vector<client::Message>();
}

void reads_and_writes(const std::string& data, const std::string& place) {
  auto server = serve(data);
  ASSERT_TRUE(server);
  const auto first = enter(*server, "old-0", place + "/first");
  const auto second = enter(*server, "old-3", place + "/second");
  ASSERT_TRUE(first && second);
  // Ten users are five senders and five receivers: 20 conversations are four for each.
  EXPECT_EQ(first->conversations(50).size(), 4U);
  EXPECT_EQ(second->conversations(50).size(), 4U);
  const ConversationId talk = first->direct("old-3");
  const auto newest = history(*first, talk, Seq(), 50);
  ASSERT_EQ(newest.size(), 50U);
  EXPECT_EQ(newest.back().seq.value, 101U);  // its creation and 100 messages
  EXPECT_EQ(newest.back().text.size(), 30u);
  EXPECT_NE(newest.back().mine, newest[newest.size() - 2].mine);
  EXPECT_EQ(history(*first, talk, Seq(5), 50).size(), 4U);  // to the very beginning

  ASSERT_TRUE(second->send(second->direct("old-0"), "and on we go"));
  ASSERT_TRUE(second->wait_sent(kPatience));
  const auto after = history(*second, talk, Seq(), 2);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after.back().text, "and on we go");
  EXPECT_EQ(after.back().seq.value, 102U);
}

TEST(Filler, MakesAHistoryThatAServerGoesOnFrom) {
  const ScratchDirectory place;
  const FillOptions options = two_thousand(place.file("data"));
  std::uint64_t told = 0;
  const auto filled = fill(options, [&](std::uint64_t done) { told = done; });
  ASSERT_TRUE(filled) << filled.error().to_string();
  EXPECT_EQ(filled->messages, 2'000U);
  EXPECT_EQ(filled->records, 2'020U);
  EXPECT_EQ(told, 2'000U);
  EXPECT_GT(disk_bytes(options.data), filled->event_bytes);
  reads_and_writes(options.data, place.path());
  // Again, with the positions of that server's records behind those of the filler.
  const auto read = read_newest(options, 100);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->events, 5'000U);
  EXPECT_LE(read->p50_us, read->p99_us);
  EXPECT_TRUE(serve(options.data));
}

TEST(Filler, SpreadsItsMessagesOverRounds) {
  const ScratchDirectory place;
  FillOptions options = two_thousand(place.file("data"));
  options.rounds = 7;
  ASSERT_TRUE(fill(options, [](std::uint64_t) {}));
  reads_and_writes(options.data, place.path());
}

TEST(Filler, LeavesADirectoryAloneThatHoldsSomething) {
  const ScratchDirectory place;
  FillOptions options = two_thousand(place.file("data"));
  options.messages = 20;
  ASSERT_TRUE(fill(options, [](std::uint64_t) {}));
  const auto again = fill(options, [](std::uint64_t) {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  options.messages = 19;
  EXPECT_EQ(fill(options, [](std::uint64_t) {}).error().code, ErrorCode::kBadConfig);
}

}  // namespace
}  // namespace kith::bench
