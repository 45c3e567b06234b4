// A front of the server and a partition, as the tests of the link between them have them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "server/conversation/partition_owner.h"
#include "server/delivery/fanout.h"
#include "server/records/feed_marks.h"
#include "server/records/feed_versions.h"
#include "server/requests/relations.h"
#include "tests/unit/server/test_lane.h"

namespace kith::server {

// A partition that notes what it is asked, and answers when the test says so.
class TestOwner : public PartitionOwner {
 public:
  void handle(const Caller&, v1::ClientFrame&&, Reply&& reply) override {
    replies.push_back(std::move(reply));
  }
  void handle(const Caller&, const RequestView&, Reply&& reply) override {
    replies.push_back(std::move(reply));
  }
  void set_secret(const std::string& secret) override { log.push_back("secret " + secret); }
  void session_opened(const Caller& caller) override {
    log.push_back("session " + std::to_string(caller.session));
  }
  void session_closed(const Caller& caller) override {
    log.push_back("no session " + std::to_string(caller.session));
  }
  void listens(const UserId&, std::vector<ConversationId>) override {}
  void set_block(const UserId&, const UserId&, bool, Done<void> done) override {
    dones.push_back(std::move(done));
  }
  void forget_blocks() override { log.push_back("forget blocks"); }
  void heads(const ConversationId&, Position, std::size_t, Done<HeadsPage> done) override {
    walks.push_back(std::move(done));
  }
  void with(const ConversationId&, const UserId&, Done<const Conversation*> done) override {
    looks.push_back(std::move(done));
  }
  void events(const EventQuery&, Done<std::vector<Event>> done) override {
    reads.push_back(std::move(done));
  }
  void append(LogRecord, CommandAnswer answer) override { commands.push_back(std::move(answer)); }
  void mark_user(const UserId&, const DeviceId&, Done<void> done) override {
    dones.push_back(std::move(done));
  }

  std::vector<std::string> log;
  std::vector<Reply> replies;
  std::vector<Done<void>> dones;
  std::vector<Done<HeadsPage>> walks;
  std::vector<Done<const Conversation*>> looks;
  std::vector<Done<std::vector<Event>>> reads;
  std::vector<CommandAnswer> commands;
};

// A front that notes what it hears.
class TestFront : public FeedMarks, public Relations, public Fanout {
 public:
  void begins(std::uint64_t, std::uint64_t logged) override {
    log.push_back("begins");
    versions.add_log(0, logged);
  }
  void mark(const FeedMark& mark) override {
    log.push_back("mark " + std::to_string(mark.last_seq));
    marks.push_back(mark);
    versions.next(mark.records);
  }
  void mark_user(const UserId& user) override {
    log.push_back("mark of a user");
    marked.push_back(user);
    versions.next(1);
  }
  void flush(Done<void> done) override { flushes.push_back(std::move(done)); }
  void consents(const Caller&, const std::vector<UserId>&,
                Done<std::vector<Consent>> done) override {
    log.push_back("consents");
    done(std::vector<Consent>(2));
  }
  void charge(const Caller&, std::uint32_t people) override {
    log.push_back("charge " + std::to_string(people));
  }
  void charge_loads(const Caller&, std::uint32_t heads) override {
    log.push_back("loads " + std::to_string(heads));
  }
  void relation(const UserId&, const UserId&, Done<std::optional<Consent>> done) override {
    asked.push_back(std::move(done));
  }
  void to_users(std::span<const UserId> users, const Push& push, std::uint64_t except) override {
    log.push_back("push");
    pushes.push_back({{users.begin(), users.end()}, {}, push.last_seq, except});
  }
  void to_sessions(std::vector<std::uint64_t> sessions, const Push& push) override {
    pushes.push_back({{}, std::move(sessions), push.last_seq, 0});
  }

  struct Pushed {
    std::vector<UserId> users;
    std::vector<std::uint64_t> sessions;
    std::uint64_t last_seq = 0;
    std::uint64_t except = 0;
  };
  std::vector<std::string> log;
  std::vector<FeedMark> marks;
  std::vector<UserId> marked;
  std::vector<Pushed> pushes;
  FeedVersions versions;
  std::vector<Done<void>> flushes;
  std::vector<Done<std::optional<Consent>>> asked;
};

}  // namespace kith::server
