// SearchFeeder: brings what the store has taken to the search index, conversation by conversation.
#include "server/services/search_feeder.h"

#include <algorithm>
#include <utility>

#include "server/services/message_text.h"

namespace kith::server {

namespace {

// What one batch holds: large ones cost the index less for each message.
constexpr std::size_t kConversationsAtOnce = 512;
constexpr std::size_t kMessagesAtOnce = 2'048;
constexpr std::size_t kBytesAtOnce = 1024 * 1024;
constexpr std::size_t kMessagesOfOne = 256;  // read at a time, on the loop
constexpr std::size_t kHeadsAtOnce = 500;
// What comes in is indexed together with what follows it.
constexpr Millis kGather{500};
constexpr Millis kRetryFirst{1'000};
constexpr std::uint32_t kRetryDoublings = 6;
constexpr Millis kReadAgain{10'000};
constexpr std::size_t kUnreadableMax = 1'000;  // more: it is the store that cannot be read

// Whatever it says, it is not the index that is damaged.
Error store_is_down() {
  return make_error(ErrorCode::kUnavailable, "the store cannot be read");
}

}  // namespace

// Some conversations on their way to the index.
struct SearchFeeder::Step {
  std::vector<Waiting> conversations;
  std::vector<std::uint64_t> marks;
  std::size_t next = 0;
  std::size_t bytes = 0;
  IndexBatch batch;

  [[nodiscard]] bool full() const {
    return batch.messages.size() >= kMessagesAtOnce || bytes >= kBytesAtOnce;
  }
};

SearchFeeder::SearchFeeder(SearchIndex& index, ConversationStore& store,
                           Conversations& conversations, Scheduler& scheduler,
                           std::size_t waiting_max)
    : index_(index),
      store_(store),
      conversations_(conversations),
      scheduler_(scheduler),
      waiting_max_(waiting_max) {}

SearchFeeder::~SearchFeeder() {
  *alive_ = false;
  scheduler_.cancel(timer_);
  scheduler_.cancel(again_timer_);
}

Status SearchFeeder::start(Position applied, Position log_end) {
  auto complete = index_.complete();
  if (!complete) return complete.error();
  if (*complete > log_end) {
    if (auto cleared = index_.clear(); !cleared) return cleared;
    complete = Position{0};
  }
  complete_ = *complete;
  applied_ = applied;
  // Not only up to `applied`: the store may have more than it says, which stored() will not tell.
  scanning_ = complete_ < log_end;
  if (scanning_) work_soon(Millis(0));
  return {};
}

void SearchFeeder::stored(const StoreBatch& batch) {
  const ConversationId* last = nullptr;
  for (const EventPtr& event : batch.events) {
    if (event->kind != EventKind::kMessage) continue;
    if (last != nullptr && *last == event->conversation) continue;
    note(event->conversation, applied_);
    last = &event->conversation;
  }
  applied_ = std::max(applied_, batch.position);
  work_soon(kGather);
}

void SearchFeeder::note(const ConversationId& id, Position before) {
  if (damaged_) return;
  if (known_.contains(id)) return;
  if (waiting_.size() >= waiting_max_) {
    forgotten_ = true;
    return;
  }
  known_.insert(id);
  waiting_.push_back({id, before});
}

// One timer; while it is set a later call changes nothing, so that back-off is kept.
void SearchFeeder::work_soon(Millis wait) {
  if (busy_ || damaged_ || timer_ != 0) return;
  timer_ = scheduler_.after(wait, [this, alive = alive_] {
    if (!*alive) return;
    timer_ = 0;
    work();
  });
}

void SearchFeeder::work() {
  if (busy_) return;
  if (forgotten_ && !scanning_ && waiting_.size() < waiting_max_ / 2) {
    forgotten_ = false;
    scanning_ = true;
    scanned_upto_ = {};
  }
  if (scanning_ && waiting_.size() + heads_at_once() <= waiting_max_) return scan();
  if (!waiting_.empty() || may_complete() > complete_) begin_step();
}

// Never more than there is room for.
std::size_t SearchFeeder::heads_at_once() const {
  return std::min(kHeadsAtOnce, std::max<std::size_t>(1, waiting_max_ / 2));
}

void SearchFeeder::scan() {
  busy_ = true;
  store_.heads(scanned_upto_, complete_, heads_at_once(),
               [this, alive = alive_](Result<HeadsPage> page) {
                 if (!*alive) return;
                 busy_ = false;
                 if (!page) return failed(store_is_down());
                 scanned(*page);
               });
}

void SearchFeeder::scanned(const HeadsPage& page) {
  for (const Head& head : page.heads) note(head.id, complete_);
  scanned_upto_ = page.next;
  if (!page.more) {
    scanning_ = false;
    held_ = waiting_.size();
  }
  if (waiting_.empty()) return work_soon(Millis(0));
  begin_step();
}

// Position up to which every message is in the index, or in the batch that is being made.
Position SearchFeeder::may_complete() const {
  if (scanning_ || forgotten_ || held_ > 0 || !unreadable_.empty()) return 0;
  return waiting_.empty() ? applied_ : waiting_.front().before;
}

void SearchFeeder::begin_step() {
  busy_ = true;
  auto step = std::make_shared<Step>();
  std::vector<ConversationId> ids;
  while (!waiting_.empty() && ids.size() < kConversationsAtOnce) {
    ids.push_back(waiting_.front().conversation);
    step->conversations.push_back(waiting_.front());
    // From here on a new message puts it on the list once more.
    known_.erase(waiting_.front().conversation);
    waiting_.pop_front();
  }
  index_.marks(ids, [this, alive = alive_, step](Result<std::vector<std::uint64_t>> marks) {
    if (!*alive) return;
    if (!marks) return failed(marks.error());
    step->marks = std::move(*marks);
    read_next(step);
  });
}

// One conversation at a turn: others wait for the loop.
void SearchFeeder::read_next(const StepPtr& step) {
  if (step->next == step->conversations.size() || step->full()) return finish(step);
  scheduler_.post([this, alive = alive_, step] {
    if (*alive) read(step);
  });
}

void SearchFeeder::read(const StepPtr& step) {
  const Waiting& waiting = step->conversations[step->next];
  const EventQuery query{waiting.conversation, step->marks[step->next] + 1, 0, kMessagesOfOne,
                         false};
  conversations_.events(query, [this, alive = alive_, step](Result<std::vector<Event>> events) {
    if (!*alive) return;
    if (!events) {
      put_aside(step->conversations[step->next++].conversation);
      if (unreadable_.size() > kUnreadableMax) return failed(store_is_down());
      return read_next(step);
    }
    take(*step, *events);
    if (events->size() < kMessagesOfOne) {
      ++step->next;
    } else {
      step->marks[step->next] = events->back().seq;  // there is more of it
    }
    read_next(step);
  });
}

void SearchFeeder::put_aside(const ConversationId& id) {
  ++failures_;
  unreadable_.push_back(id);
  if (again_timer_ != 0) return;
  again_timer_ = scheduler_.after(kReadAgain, [this, alive = alive_] {
    if (*alive) take_up_again();
  });
}

void SearchFeeder::take_up_again() {
  again_timer_ = 0;
  if (busy_) {  // what is on its way would count as done for them
    again_timer_ = scheduler_.after(kGather, [this, alive = alive_] {
      if (*alive) take_up_again();
    });
    return;
  }
  // Behind `complete_`, so that nothing is complete before they are done.
  for (const ConversationId& id : std::exchange(unreadable_, {})) note(id, complete_);
  held_ = waiting_.size();
  work_soon(Millis(0));
}

void SearchFeeder::take(Step& step, const std::vector<Event>& events) {
  if (events.empty()) return;
  for (const Event& event : events) {
    std::string text = message_text(event);
    if (text.empty()) continue;
    step.bytes += text.size();
    step.batch.messages.push_back({event.conversation, event.seq, event.position, std::move(text),
                                   event.sender_only ? event.sender : UserId()});
  }
  step.batch.marks.emplace_back(events.back().conversation, events.back().seq);
}

void SearchFeeder::finish(const StepPtr& step) {
  // What is not done yet stays in front, in its order.
  for (std::size_t n = step->conversations.size(); n > step->next; --n) {
    known_.insert(step->conversations[n - 1].conversation);
    // Also if it came once more meanwhile: then the second time is free.
    waiting_.push_front(step->conversations[n - 1]);
  }
  held_ -= std::min(held_, step->next);
  const Position complete = may_complete();
  if (complete > complete_) step->batch.complete = complete;
  const auto messages = step->batch.messages.size();
  index_.add(std::make_shared<const IndexBatch>(std::move(step->batch)),
             [this, alive = alive_, complete, messages](const Status& added) {
               if (!*alive) return;
               if (!added) return failed(added.error());
               busy_ = false;
               failures_in_a_row_ = 0;
               indexed_ += messages;
               complete_ = std::max(complete_, complete);
               const bool much = scanning_ || forgotten_ || waiting_.size() >= kConversationsAtOnce;
               if (much || !waiting_.empty() || may_complete() > complete_) {
                 work_soon(much ? Millis(0) : kGather);
               }
             });
}

// Of the index, or of the store as a whole. Everything once more from the store's heads, after a while.
void SearchFeeder::failed(const Error& error) {
  busy_ = false;
  ++failures_;
  damaged_ = damaged_ || error.code == ErrorCode::kCacheCorrupt;
  unreadable_.clear();
  waiting_.clear();
  known_.clear();
  held_ = 0;
  forgotten_ = false;
  scanning_ = true;
  scanned_upto_ = {};
  work_soon(kRetryFirst * (1 << std::min(failures_in_a_row_++, kRetryDoublings)));
}

void SearchFeeder::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["search_waiting"] = waiting_.size();
  all["search_indexed"] = indexed_;
  all["search_failures"] = failures_;
}

}  // namespace kith::server
