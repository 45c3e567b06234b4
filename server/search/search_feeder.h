// SearchFeeder: brings what the store of one partition has taken to the search index, conversation by conversation.
//
// The index lags behind and nobody waits for it: what is to be done is a list of conversations, not
// of messages, so the further it is behind the more it does at once, and a list that has grown too
// long is thrown away and made again from the store's heads. How far a conversation is indexed stands
// in the index itself, in one transaction with its messages. Nothing is lost by a crash at any step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/search_index.h"
#include "server/conversation/partition_owner.h"
#include "server/search/index_rebuild.h"
#include "server/search/waiting_conversations.h"
#include "src/guard.h"
#include "src/timer.h"

namespace kith::server {

// The content of one batch for the index; a large one costs less for each message. Only tests have
// others than these: with small ones a few messages make a step full.
struct IndexStep {
  std::size_t conversations = 512;
  std::size_t messages = 2'048;
  std::size_t bytes = 1024 * 1024;
  std::size_t messages_of_one = 256;  // read at a time, on the loop
};

class SearchFeeder : private IndexRebuild::Filler {
 public:
  // All must outlive it.
  struct Ports {
    SearchIndex& index;
    PartitionOwner& partition;
    Scheduler& scheduler;
    IndexRebuild& rebuild;
  };
  // `partition`: the number of the partition; positions are those of its log. `waiting_max`: conversations
  // on the list.
  SearchFeeder(const Ports& ports, std::uint32_t partition,
               std::size_t waiting_max = limits::search_waiting_max, const IndexStep& step = {});
  ~SearchFeeder() override;

  // `applied`: up to where the store has everything; `log_end`: last record of the log. An index that
  // knows more than that is of another history and begins anew. Before the first stored(); blocks.
  Status start(Position applied, Position log_end);
  // The store has taken this batch.
  void stored(const StoreBatch& batch);
  // Batches may have been stored of which it did not hear: the store has everything up to `applied`.
  void look_again(Position applied);

  // The last failure of the index, or of the store behind it, that no success has followed.
  [[nodiscard]] const std::optional<Error>& failing() const { return trouble_.last; }
  // Adds to "search_waiting" (conversations), "search_indexed" (messages), "search_failures" and
  // "search_rebuilding" (1 until an index that is made anew is complete).
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  struct Step;
  using StepPtr = std::shared_ptr<Step>;

  // A walk over the store's heads.
  struct Walk {
    bool under_way = false;
    ConversationId upto{};
    std::uint64_t number = 0;  // of the walk
  };
  // Conversations that could not be read, and are tried again later: one bad place in the store stops nothing
  // else.
  struct Unreadable {
    std::vector<ConversationId> ids{};
    Timer again;
  };
  struct Trouble {
    std::uint32_t in_a_row = 0;
    std::uint64_t count = 0;
    std::optional<Error> last{};
  };
  struct Pause {
    bool asked = false;
    std::function<void()> stands{};  // waits for the step that is under way
  };

  void pause(std::function<void()> stands) override;
  void begin_anew() override;
  void work_soon(Millis wait);
  void work();
  void rest();
  [[nodiscard]] std::size_t heads_at_once() const;
  void scan();
  void scanned(std::uint64_t walk, const HeadsPage& page);
  void begin_step();
  void read_next(const StepPtr& step);
  void read(const StepPtr& step);
  void take(Step& step, const std::vector<Event>& events);
  void finish(const StepPtr& step);
  void failed(const Error& error);
  void forget_list();
  void put_aside(const ConversationId& id);
  void take_up_again();
  [[nodiscard]] Position may_complete();

  const Ports ports_;
  const std::uint32_t partition_;
  const IndexStep step_;

  WaitingConversations list_;
  Position applied_ = 0;
  Position complete_ = 0;  // as the index has it
  Walk walk_;
  Unreadable unreadable_;
  Trouble trouble_;
  Pause pause_;
  bool busy_ = false;
  bool rebuilding_ = false;
  Timer timer_;
  std::uint64_t indexed_ = 0;
  Guard guard_;
};

}  // namespace kith::server
