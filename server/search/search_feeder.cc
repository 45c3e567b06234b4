// SearchFeeder: brings what the store has taken to the search index, conversation by conversation.
#include "server/search/search_feeder.h"

#include <algorithm>
#include <utility>

#include "server/search/message_text.h"

namespace kith::server {

namespace {

constexpr std::size_t kHeadsAtOnce = 500;
// What comes in is indexed together with what follows it.
constexpr Millis kGather{500};
constexpr Millis kRetryFirst{1'000};
constexpr std::uint32_t kRetryDoublings = 6;
constexpr Millis kReadAgain{10'000};
// A disk that damages the index again and again is not given more work than this.
constexpr Millis kAnewAgain{60'000};
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
};

SearchFeeder::SearchFeeder(SearchIndex& index, ConversationStore& store,
                           Conversations& conversations, Scheduler& scheduler,
                           std::size_t waiting_max, const IndexStep& step,
                           std::function<void(const std::string&)> log)
    : index_(index),
      store_(store),
      conversations_(conversations),
      scheduler_(scheduler),
      waiting_max_(waiting_max),
      step_(step),
      log_(std::move(log)) {}

SearchFeeder::~SearchFeeder() {
  *alive_ = false;
  scheduler_.cancel(timer_);
  scheduler_.cancel(again_timer_);
}

Status SearchFeeder::start(Position applied, Position log_end) {
  applied_ = applied;
  auto complete = index_.complete();
  if (!complete && complete.error().code != ErrorCode::kCacheCorrupt) return complete.error();
  if (!complete || *complete > log_end) {
    index_damaged(complete ? make_error(ErrorCode::kCacheCorrupt, "it is of another history")
                           : complete.error());
    return {};
  }
  complete_ = *complete;
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
  if (damaged_) return;  // everything is read again
  if (known_.contains(id)) return;
  if (waiting_.size() >= waiting_max_) {
    forgotten_ = true;
    return;
  }
  known_.emplace(id, ++last_number_);
  waiting_.push_back({id, before, last_number_});
}

// One timer; while it is set a later call changes nothing, so that back-off is kept.
void SearchFeeder::work_soon(Millis wait) {
  if (busy_ || timer_ != 0) return;
  timer_ = scheduler_.after(wait, [this, alive = alive_] {
    if (!*alive) return;
    timer_ = 0;
    work();
  });
}

void SearchFeeder::work() {
  if (busy_) return;
  if (damaged_) return begin_anew();
  if (forgotten_ && !scanning_ && waiting_.size() < waiting_max_ / 2) {
    forgotten_ = false;
    scanning_ = true;
    scanned_upto_ = {};
  }
  if (scanning_ && waiting_.size() + heads_at_once() <= waiting_max_) return scan();
  if (!waiting_.empty() || may_complete() > complete_) return begin_step();
  if (unreadable_.empty()) rebuilding_ = false;
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
    held_upto_ = last_number_;
  }
  if (waiting_.empty()) return work_soon(Millis(0));
  begin_step();
}

// Position up to which every message is in the index, or in the batch that is being made.
Position SearchFeeder::may_complete() const {
  if (scanning_ || forgotten_ || !unreadable_.empty()) return 0;
  if (waiting_.empty()) return applied_;
  return waiting_.front().number <= held_upto_ ? 0 : waiting_.front().before;
}

// Of the front: no live entry is behind more than these.
void SearchFeeder::drop_stale() {
  while (!waiting_.empty()) {
    const auto live = known_.find(waiting_.front().conversation);
    if (live != known_.end() && live->second == waiting_.front().number) return;
    waiting_.pop_front();
  }
}

void SearchFeeder::begin_step() {
  busy_ = true;
  auto step = std::make_shared<Step>();
  std::vector<ConversationId> ids;
  for (drop_stale(); !waiting_.empty() && ids.size() < step_.conversations; drop_stale()) {
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
  const bool full = step->batch.messages.size() >= step_.messages || step->bytes >= step_.bytes;
  if (step->next == step->conversations.size() || full) return finish(step);
  scheduler_.post([this, alive = alive_, step] {
    if (*alive) read(step);
  });
}

void SearchFeeder::read(const StepPtr& step) {
  const Waiting& waiting = step->conversations[step->next];
  const EventQuery query{waiting.conversation, step->marks[step->next] + 1, 0,
                         step_.messages_of_one, false};
  conversations_.events(query, [this, alive = alive_, step](Result<std::vector<Event>> events) {
    if (!*alive) return;
    if (!events) {
      put_aside(step->conversations[step->next++].conversation);
      if (unreadable_.size() > kUnreadableMax) return failed(store_is_down());
      return read_next(step);
    }
    take(*step, *events);
    if (events->size() < step_.messages_of_one) {
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
  held_upto_ = last_number_;
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
  // What is not done yet stays in front, in its order. If it came once more meanwhile, that entry is
  // stale: one step must not read a conversation twice from the same mark.
  for (std::size_t n = step->conversations.size(); n > step->next; --n) {
    const Waiting& rest = step->conversations[n - 1];
    known_[rest.conversation] = rest.number;
    waiting_.push_front(rest);
  }
  drop_stale();
  const Position complete = may_complete();
  if (complete > complete_) step->batch.complete = complete;
  const auto messages = step->batch.messages.size();
  index_.add(std::make_shared<const IndexBatch>(std::move(step->batch)),
             [this, alive = alive_, complete, messages](const Status& added) {
               if (!*alive) return;
               if (!added) return failed(added.error());
               busy_ = false;
               failures_in_a_row_ = 0;
               failing_.reset();
               indexed_ += messages;
               complete_ = std::max(complete_, complete);
               if (complete > 0) rebuilding_ = false;
               const bool much =
                   scanning_ || forgotten_ || damaged_ || waiting_.size() >= step_.conversations;
               if (much || !waiting_.empty() || may_complete() > complete_) {
                 work_soon(much ? Millis(0) : kGather);
               }
             });
}

// Of the index, or of the store as a whole. Everything once more from the store's heads, after a while.
void SearchFeeder::failed(const Error& error) {
  busy_ = false;
  ++failures_;
  failing_ = error;
  if (error.code == ErrorCode::kCacheCorrupt) return index_damaged(error);
  forget_list();
  work_soon(kRetryFirst * (1 << std::min(failures_in_a_row_++, kRetryDoublings)));
}

void SearchFeeder::forget_list() {
  unreadable_.clear();
  waiting_.clear();
  known_.clear();
  forgotten_ = false;
  scanning_ = true;
  scanned_upto_ = {};
}

void SearchFeeder::index_damaged(const Error& error) {
  if (!damaged_ && log_) log_("the search index is made anew: " + error.message);
  damaged_ = rebuilding_ = true;
  const std::int64_t again = begun_anew_ms_ + kAnewAgain.count();
  const std::int64_t now = scheduler_.clock().steady_ms();
  work_soon(Millis(rebuilds_ == 0 ? 0 : std::max<std::int64_t>(0, again - now)));
}

void SearchFeeder::begin_anew() {
  busy_ = true;
  begun_anew_ms_ = scheduler_.clock().steady_ms();
  ++rebuilds_;
  index_.begin_anew([this, alive = alive_](const Status& begun) {
    if (!*alive) return;
    if (!begun) {
      busy_ = false;
      ++failures_;
      if (log_) log_("the search index cannot be made anew: " + begun.error().to_string());
      return work_soon(kAnewAgain);
    }
    busy_ = false;
    damaged_ = false;
    complete_ = 0;
    forget_list();
    work_soon(Millis(0));
  });
}

void SearchFeeder::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["search_waiting"] = known_.size();
  all["search_indexed"] = indexed_;
  all["search_failures"] = failures_;
  all["search_rebuilds"] = rebuilds_;
  all["search_rebuilding"] = rebuilding_ ? 1 : 0;
}

}  // namespace kith::server
