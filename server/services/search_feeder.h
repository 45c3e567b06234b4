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
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "kith/core/limits.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/search_index.h"
#include "server/services/conversations.h"
#include "src/scheduler.h"

namespace kith::server {

class SearchFeeder {
 public:
  // All must outlive it. `waiting_max`: conversations on the list.
  SearchFeeder(SearchIndex& index, ConversationStore& store, Conversations& conversations,
               Scheduler& scheduler, std::size_t waiting_max = limits::search_waiting_max);
  ~SearchFeeder();

  // `applied`: up to where the store has everything; `log_end`: last record of the log. An index that
  // knows more than that is of another history and begins anew. Before the first stored(); blocks.
  Status start(Position applied, Position log_end);
  // The store has taken this batch.
  void stored(const StoreBatch& batch);

  // Adds "search_waiting" (conversations), "search_indexed" (messages), "search_failures".
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  struct Step;
  using StepPtr = std::shared_ptr<Step>;

  struct Waiting {
    ConversationId conversation;
    Position before = 0;  // everything up to here was on the list before it
  };

  void note(const ConversationId& id, Position before);
  void work_soon(Millis wait);
  void work();
  [[nodiscard]] std::size_t heads_at_once() const;
  void scan();
  void scanned(const HeadsPage& page);
  void begin_step();
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

  std::deque<Waiting> waiting_;                       // first come, first served
  std::unordered_set<ConversationId, IdHash> known_;  // those in waiting_
  Position applied_ = 0;
  Position complete_ = 0;  // as the index has it
  bool scanning_ = false;  // the store's heads are walked
  ConversationId scanned_upto_;
  bool forgotten_ = false;  // some did not fit in the list: another walk
  // So many at the front of the list come from a walk: until they are done, nothing is complete.
  std::size_t held_ = 0;

  // Could not be read, and are tried again later: one bad place in the store stops nothing else.
  std::vector<ConversationId> unreadable_;
  Scheduler::TimerId again_timer_ = 0;

  bool busy_ = false;
  bool damaged_ = false;  // the index is; it begins anew at the next start
  Scheduler::TimerId timer_ = 0;
  std::uint32_t failures_in_a_row_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t indexed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
