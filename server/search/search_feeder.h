// SearchFeeder: brings what the store has taken to the search index, conversation by conversation.
//
// The index lags behind and nobody waits for it: what is to be done is a list of conversations, not
// of messages, so the further it is behind the more it does at once, and a list that has grown too
// long is thrown away and made again from the store's heads. How far a conversation is indexed stands
// in the index itself, in one transaction with its messages. Nothing is lost by a crash at any step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kith/core/limits.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/search_index.h"
#include "server/conversation/conversations.h"

namespace kith::server {

// What one batch for the index holds; a large one costs less for each message. Only tests have others
// than these: with small ones a few messages make a step full.
struct IndexStep {
  std::size_t conversations = 512;
  std::size_t messages = 2'048;
  std::size_t bytes = 1024 * 1024;
  std::size_t messages_of_one = 256;  // read at a time, on the loop
};

class SearchFeeder {
 public:
  // All must outlive it. `waiting_max`: conversations on the list. `log` may be null.
  SearchFeeder(SearchIndex& index, ConversationStore& store, Conversations& conversations,
               Scheduler& scheduler, std::size_t waiting_max = limits::search_waiting_max,
               const IndexStep& step = {}, std::function<void(const std::string&)> log = nullptr);
  ~SearchFeeder();

  // `applied`: up to where the store has everything; `log_end`: last record of the log. An index that
  // knows more than that is of another history and begins anew. Before the first stored(); blocks.
  Status start(Position applied, Position log_end);
  // The store has taken this batch.
  void stored(const StoreBatch& batch);
  // A search has met damage in the index: it is made anew.
  void index_damaged(const Error& error);

  // What the index, or the store behind it, has failed with last, and not done since.
  [[nodiscard]] const std::optional<Error>& failing() const { return failing_; }
  // Adds "search_waiting" (conversations), "search_indexed" (messages), "search_failures",
  // "search_rebuilds" and "search_rebuilding" (1 until an index that is made anew is complete).
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  struct Step;
  using StepPtr = std::shared_ptr<Step>;

  struct Waiting {
    ConversationId conversation;
    Position before = 0;       // everything up to here was on the list before it
    std::uint64_t number = 0;  // ascends along the list
  };

  void note(const ConversationId& id, Position before);
  void work_soon(Millis wait);
  void work();
  [[nodiscard]] std::size_t heads_at_once() const;
  void scan();
  void scanned(const HeadsPage& page);
  void begin_step();
  void begin_anew();
  void forget_list();
  void drop_stale();
  void read_next(const StepPtr& step);
  void read(const StepPtr& step);
  void take(Step& step, const std::vector<Event>& events);
  void finish(const StepPtr& step);
  void failed(const Error& error);
  void put_aside(const ConversationId& id);
  void take_up_again();
  [[nodiscard]] Position may_complete() const;

  SearchIndex& index_;
  ConversationStore& store_;
  Conversations& conversations_;
  Scheduler& scheduler_;
  const std::size_t waiting_max_;

  const IndexStep step_;
  const std::function<void(const std::string&)> log_;

  std::deque<Waiting> waiting_;  // first come, first served
  // The one entry of each conversation that counts. Others are stale: a step that was full has put
  // the conversation in front again although it had come once more meanwhile.
  std::unordered_map<ConversationId, std::uint64_t, IdHash> known_;
  std::uint64_t last_number_ = 0;
  Position applied_ = 0;
  Position complete_ = 0;  // as the index has it
  bool scanning_ = false;  // the store's heads are walked
  ConversationId scanned_upto_;
  bool forgotten_ = false;  // some did not fit in the list: another walk
  // Last entry of the list when a walk ended: until those up to it are done, nothing is complete.
  std::uint64_t held_upto_ = 0;

  // Could not be read, and are tried again later: one bad place in the store stops nothing else.
  std::vector<ConversationId> unreadable_;
  Scheduler::TimerId again_timer_ = 0;

  bool busy_ = false;
  bool damaged_ = false;  // the index is, and has not begun anew yet
  bool rebuilding_ = false;
  std::uint64_t rebuilds_ = 0;
  std::int64_t begun_anew_ms_ = 0;  // with rebuilds_ > 0
  Scheduler::TimerId timer_ = 0;
  std::uint32_t failures_in_a_row_ = 0;
  std::uint64_t failures_ = 0;
  std::optional<Error> failing_;
  std::uint64_t indexed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
