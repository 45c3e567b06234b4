// The conversation service with a search index behind its store, in virtual time.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kith/v1/send.pb.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/search/search_feeder.h"
#include "server/search/search_service.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server::testing {

// A partition whose calls are forwarded to another.
class ForwardingPartition : public PartitionOwner {
 public:
  explicit ForwardingPartition(PartitionOwner& to) : to_(to) {}
  void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) override {
    to_.handle(caller, std::move(frame), std::move(reply));
  }
  void handle(const Caller& caller, const RequestView& request, Reply&& reply) override {
    to_.handle(caller, request, std::move(reply));
  }
  void set_secret(const std::string& secret) override { to_.set_secret(secret); }
  void session_opened(const Caller& caller) override { to_.session_opened(caller); }
  void session_closed(const Caller& caller) override { to_.session_closed(caller); }
  void listens(const UserId& user, std::vector<ConversationId> groups) override {
    to_.listens(user, std::move(groups));
  }
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done) override {
    to_.set_block(by, other, on, std::move(done));
  }
  void forget_blocks() override { to_.forget_blocks(); }
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override {
    to_.heads(after, changed_after, limit, std::move(done));
  }
  void with(const ConversationId& id, const UserId& reader,
            Done<const Conversation*> done) override {
    to_.with(id, reader, std::move(done));
  }
  void events(const EventQuery& query, Done<std::vector<Event>> done) override {
    to_.events(query, std::move(done));
  }
  void append(LogRecord record, CommandAnswer answer) override {
    to_.append(std::move(record), std::move(answer));
  }
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override {
    to_.mark_user(user, device, std::move(done));
  }

 private:
  PartitionOwner& to_;
};

// Is not given the same message twice at a time.
class OnceIndex : public SearchIndexMemory {
 public:
  using SearchIndexMemory::SearchIndexMemory;
  void add(std::shared_ptr<const IndexBatch> batch, Done<void> done) override {
    std::set<std::pair<ConversationId, std::uint64_t>> given;
    for (const IndexedMessage& message : batch->messages) {
      EXPECT_TRUE(given.emplace(message.conversation, message.seq).second) << message.text;
    }
    SearchIndexMemory::add(std::move(batch), std::move(done));
  }
};

class SearchTest : public ServiceTest {
 protected:
  // Does what a server does at its start.
  void start_search(std::size_t waiting_max = limits::search_waiting_max,
                    const IndexStep& step = {}) {
    index = std::make_unique<OnceIndex>(index_disk, loop);
    rebuild.emplace(*index, loop, [this](const std::string& line) { log.push_back(line); });
    feeder.emplace(SearchFeeder::Ports{*index, partition, loop, *rebuild}, 0U, waiting_max, step);
    finder.emplace(index.get(), feed, router, loop);
    finder->on_damage([this](const Error& error) { rebuild->damaged(error); });
    cache.on_stored([this](const std::shared_ptr<const StoreBatch>& batch) {
      if (feeder) feeder->stored(*batch);
    });
    ASSERT_TRUE(feeder->start(cache.progress().applied(), cache.progress().end()).ok());
  }
  void stop_search() {
    feeder.reset();
    rebuild.reset();
    finder.reset();
    index.reset();
  }
  void say(const Caller& caller, std::uint8_t n, const std::string& text,
           const ConversationId& id = group_id()) {
    v1::Content content;
    content.mutable_plain()->set_text(text);
    const auto result = send(caller, {out(n, content.SerializeAsString())}, id);
    ASSERT_EQ(result.items_size(), 1);
    ASSERT_TRUE(result.items(0).has_placed()) << text;
  }
  void quiet() { loop.advance(Millis(10'000)); }

  v1::ServerFrame search(const Caller& caller, const std::string& query, std::uint64_t before = 0,
                         std::uint32_t limit = 0, const std::string& conversation = "") {
    v1::ClientFrame frame;
    frame.mutable_search()->set_query(query);
    frame.mutable_search()->set_before(before);
    frame.mutable_search()->set_limit(limit);
    frame.mutable_search()->set_conversation_id(conversation);
    std::optional<v1::ServerFrame> answer;
    EXPECT_TRUE(finder->handle(caller, frame, [&](v1::ServerFrame&& reply) {
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer.emplace(std::move(reply));
    }));
    loop.advance(Millis(100));
    EXPECT_TRUE(answer.has_value()) << "not answered";
    return answer.value_or(v1::ServerFrame());
  }
  static std::vector<std::string> texts(const v1::ServerFrame& answer) {
    std::vector<std::string> found;
    for (const v1::SearchHit& hit : answer.search_page().hits()) {
      v1::Content content;
      EXPECT_TRUE(content.ParseFromString(hit.event().body()));
      found.push_back(content.plain().text());
    }
    return found;
  }
  std::vector<std::string> found(const Caller& caller, const std::string& query) {
    const v1::ServerFrame answer = search(caller, query);
    EXPECT_TRUE(answer.has_search_page()) << answer.error().detail();
    EXPECT_FALSE(answer.search_page().more());
    return texts(answer);
  }

  std::shared_ptr<SearchIndexMemory::Disk> index_disk = std::make_shared<SearchIndexMemory::Disk>();
  std::unique_ptr<SearchIndexMemory> index;
  std::optional<IndexRebuild> rebuild;
  std::optional<SearchFeeder> feeder;
  std::optional<SearchService> finder;
  std::vector<std::string> log;
};

}  // namespace kith::server::testing
