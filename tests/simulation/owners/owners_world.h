// OwnersWorld: one log of conversations, processes that own it one after the other or believe so, and
// clients that repeat unanswered requests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/conversation/conversation_shard.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/owners/cell_store.h"
#include "tests/simulation/owners/shared_log.h"
#include "tests/simulation/trace.h"

namespace kith::sim {

// Feeds are no part of this world.
class NoFeeds : public server::FeedMarks {
 public:
  void begins(std::uint64_t, std::uint64_t) override {}
  void mark(const server::FeedMark&) override {}
  void mark_user(const UserId&) override {}
  void flush(Done<void> done) override { done({}); }
};

// A process with the conversations of the log.
struct Owner {
  Owner(VirtualTime& time, std::uint64_t its_number, const std::shared_ptr<SharedTopic>& topic,
        const std::shared_ptr<Cells>& cells, const server::CacheBounds& bounds)
      : number(its_number),
        process(time, its_number),
        log(topic, process),
        store(cells, process),
        shard(log, store, marks, process, {}, bounds) {}

  const std::uint64_t number;
  std::int64_t serves_since = -1;
  Process process;
  SharedLog log;
  CellStore store;
  NoFeeds marks;
  server::ConversationShard shard;
};

// A command of a client, until it is answered for good.
struct Command {
  server::LogRecord record;
  std::uint32_t attempt = 0;  // of the next request
  std::uint64_t request = 0;  // the request whose answer is awaited
};

struct OwnersResult {
  std::optional<Violation> violation;
  std::uint64_t steps = 0;
  std::uint64_t hash = 0;
  std::uint64_t owners = 0;    // that began
  std::uint64_t answered = 0;  // commands
  std::vector<std::string> tail;
};

class OwnersWorld {
 public:
  OwnersWorld(std::uint64_t seed, OwnerRule broken, std::function<void(const std::string&)> print);
  ~OwnersWorld();
  OwnersWorld(const OwnersWorld&) = delete;
  OwnersWorld& operator=(const OwnersWorld&) = delete;

  OwnersResult run();

 private:
  // An event that an owner has sent, in a push or in a page.
  struct Told {
    ConversationId conversation;
    std::uint64_t seq = 0;
    MessageId message;
    server::Position position = 0;
  };
  // A client got this place as the answer to its command.
  struct Answer {
    server::LogRecord record;
    server::Placement placed;
  };
  // --- owners ---
  void begin_owner();
  // Returns null if it has ended.
  Owner* owner(std::uint64_t number);
  void end_owner(std::uint64_t number);
  void end_owner_in(std::uint64_t number, std::int64_t ms);
  void serving_changed(std::uint64_t number, bool serving);
  void plan_faults();
  void fault();
  void replace_owner();
  void freeze_owner();
  void become_calm();
  // --- clients ---
  void make_commands();
  server::LogRecord make_command(std::size_t client);
  void ask(std::size_t client);
  void deliver(std::size_t client, server::LogRecord record, std::uint64_t request,
               std::int64_t sent_ms, Owner& owner);
  void answered(std::size_t client, std::uint64_t request, const server::LogRecord& record,
                const Result<server::Outcome>& outcome);
  void repeat(std::size_t client, std::uint64_t request, std::int64_t ms);
  void read_some();
  [[nodiscard]] bool all_answered() const;
  [[nodiscard]] bool all_stored() const;
  std::optional<Violation> judge() const;

  VirtualTime time_;
  Trace trace_;
  SeededRandom random_;
  SeededRandom topic_random_;
  SeededRandom cells_random_;
  Node network_;
  Node broker_;
  std::shared_ptr<SharedTopic> topic_;
  std::shared_ptr<Cells> cells_;
  server::CacheBounds bounds_;
  std::vector<std::unique_ptr<Owner>> owners_;  // the last one is assigned
  std::uint64_t begun_ = 0;
  bool calm_ = false;
  std::vector<std::vector<Command>> clients_;  // each sends one after the other
  std::vector<std::size_t> next_;              // of each client
  std::uint64_t requests_ = 0;
  std::uint64_t commands_answered_ = 0;
  std::vector<UserId> users_;
  std::vector<ConversationId> conversations_;
  std::vector<Told> told_;
  std::vector<Answer> answers_;
  const bool often_;  // owners change often
  OwnerRule broken_;
};

// Runs one seed.
OwnersResult run_owners(std::uint64_t seed, OwnerRule broken = OwnerRule::kNone,
                        const std::function<void(const std::string&)>& print = nullptr);

}  // namespace kith::sim
