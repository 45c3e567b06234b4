// SearchFeeder: brings what the store of one partition has taken to the search index, conversation by conversation.
#include "server/search/search_feeder.h"

#include <algorithm>
#include <utility>

#include "server/search/message_place.h"
#include "server/search/message_text.h"

namespace kith::server {

namespace {

constexpr std::size_t kHeadsAtOnce = 500;
// A new message is indexed together with those that follow it.
constexpr Millis kGather{500};
constexpr Millis kRetryFirst{1'000};
constexpr std::uint32_t kRetryDoublings = 6;
constexpr Millis kReadAgain{10'000};
constexpr std::size_t kUnreadableMax = 1'000;  // more: it is the store that cannot be read

// A failure with any code that does not mean a damaged index.
Error store_is_down() {
  return make_error(ErrorCode::kUnavailable, "the store cannot be read");
}

}  // namespace

// Some conversations on their way to the index.
struct SearchFeeder::Step {
  std::vector<WaitingConversations::Entry> conversations;
  std::vector<std::uint64_t> marks;
  std::size_t next = 0;
  std::size_t bytes = 0;
  IndexBatch batch;
};

SearchFeeder::SearchFeeder(const Ports& ports, std::uint32_t partition, std::size_t waiting_max,
                           const IndexStep& step)
    : ports_(ports),
      partition_(partition),
      step_(step),
      list_(waiting_max),
      unreadable_{{}, {ports.scheduler, [this] { take_up_again(); }}},
      timer_(ports.scheduler, [this] { work(); }) {
  ports_.rebuild.join(*this);
}

SearchFeeder::~SearchFeeder() {
  ports_.rebuild.leave(*this);
}

Status SearchFeeder::start(Position applied, Position log_end) {
  applied_ = applied;
  auto complete = ports_.index.complete(partition_);
  if (!complete && complete.error().code != ErrorCode::kCacheCorrupt) return complete.error();
  if (!complete || *complete > log_end) {
    ports_.rebuild.damaged(complete
                               ? make_error(ErrorCode::kCacheCorrupt, "it is of another history")
                               : complete.error());
    return {};
  }
  complete_ = *complete;
  // Not only up to `applied`: the store may have more than it says, which stored() will not tell.
  walk_.under_way = complete_ < log_end;
  if (walk_.under_way) work_soon(Millis(0));
  return {};
}

void SearchFeeder::stored(const StoreBatch& batch) {
  const ConversationId* last = nullptr;
  for (const EventPtr& event : batch.events) {
    if (pause_.asked) break;  // everything is read again
    if (event->kind != EventKind::kMessage) continue;
    if (last != nullptr && *last == event->conversation) continue;
    list_.add(event->conversation, applied_);
    last = &event->conversation;
  }
  applied_ = std::max(applied_, batch.position);
  work_soon(kGather);
}

void SearchFeeder::look_again(Position applied) {
  applied_ = std::max(applied_, applied);
  walk_ = {true, {}, walk_.number + 1};
  work_soon(Millis(0));
}

// One timer; while it is set a later call changes nothing, so that back-off is kept.
void SearchFeeder::work_soon(Millis wait) {
  if (!busy_ && !pause_.asked && !timer_.waits()) timer_.start(wait);
}

void SearchFeeder::work() {
  if (busy_ || pause_.asked) return;
  if (list_.overflown() && !walk_.under_way && list_.half_empty()) {
    list_.forgive_overflow();
    walk_ = {true, {}, walk_.number + 1};
  }
  if (walk_.under_way && list_.fits(heads_at_once())) return scan();
  if (!list_.empty() || may_complete() > complete_) return begin_step();
  if (unreadable_.ids.empty()) rebuilding_ = false;
}

// Nothing of it is on its way any more.
void SearchFeeder::rest() {
  busy_ = false;
  if (pause_.stands) std::exchange(pause_.stands, nullptr)();
}

void SearchFeeder::pause(std::function<void()> stands) {
  pause_ = {true, std::move(stands)};
  rebuilding_ = true;
  timer_.stop();
  if (!busy_) rest();
}

void SearchFeeder::begin_anew() {
  pause_ = {};
  complete_ = 0;
  forget_list();
  work_soon(Millis(0));
}

// Never more than there is room for.
std::size_t SearchFeeder::heads_at_once() const {
  return std::min(kHeadsAtOnce, std::max<std::size_t>(1, list_.max() / 2));
}

void SearchFeeder::scan() {
  busy_ = true;
  ports_.partition.heads(walk_.upto, complete_, heads_at_once(),
                         guard_.wrap([this, walk = walk_.number](Result<HeadsPage> page) {
                           if (!page) return failed(store_is_down());
                           scanned(walk, *page);
                         }));
}

void SearchFeeder::scanned(std::uint64_t walk, const HeadsPage& page) {
  if (pause_.asked) return rest();
  busy_ = false;
  for (const Head& head : page.heads) list_.add(head.id, complete_);
  if (walk == walk_.number) {  // else another one has begun
    walk_.upto = page.next;
    walk_.under_way = page.more;
    if (!page.more) list_.hold();
  }
  if (list_.empty()) return work_soon(Millis(0));
  begin_step();
}

// Position up to which every message is in the index, or in the batch that is being made.
Position SearchFeeder::may_complete() {
  if (walk_.under_way || list_.overflown() || !unreadable_.ids.empty()) return 0;
  return list_.complete_upto(applied_);
}

void SearchFeeder::begin_step() {
  busy_ = true;
  auto step = std::make_shared<Step>();
  step->conversations = list_.take(step_.conversations);
  std::vector<ConversationId> ids;
  for (const auto& waiting : step->conversations) ids.push_back(waiting.conversation);
  ports_.index.marks(ids, guard_.wrap([this, step](Result<std::vector<std::uint64_t>> marks) {
    if (!marks) return failed(marks.error());
    step->marks = std::move(*marks);
    read_next(step);
  }));
}

// One conversation at a turn: others wait for the loop.
void SearchFeeder::read_next(const StepPtr& step) {
  if (pause_.asked) return rest();  // everything is read again
  const bool full = step->batch.messages.size() >= step_.messages || step->bytes >= step_.bytes;
  if (step->next == step->conversations.size() || full) return finish(step);
  ports_.scheduler.post(guard_.wrap([this, step] { read(step); }));
}

void SearchFeeder::read(const StepPtr& step) {
  const ConversationId& id = step->conversations[step->next].conversation;
  const EventQuery query{id, step->marks[step->next] + 1, 0, step_.messages_of_one, false};
  ports_.partition.events(query, guard_.wrap([this, step](Result<std::vector<Event>> events) {
    if (!events) {
      put_aside(step->conversations[step->next++].conversation);
      if (unreadable_.ids.size() > kUnreadableMax) return failed(store_is_down());
      return read_next(step);
    }
    take(*step, *events);
    if (events->size() < step_.messages_of_one) {
      ++step->next;
    } else {
      step->marks[step->next] = events->back().seq;  // there is more of it
    }
    read_next(step);
  }));
}

void SearchFeeder::put_aside(const ConversationId& id) {
  ++trouble_.count;
  unreadable_.ids.push_back(id);
  if (!unreadable_.again.waits()) unreadable_.again.start(kReadAgain);
}

void SearchFeeder::take_up_again() {
  // The step that is on its way would count as done for them.
  if (busy_) return unreadable_.again.start(kGather);
  // Behind `complete_`, so that nothing is complete before they are done.
  for (const ConversationId& id : std::exchange(unreadable_.ids, {})) list_.add(id, complete_);
  list_.hold();
  work_soon(Millis(0));
}

void SearchFeeder::take(Step& step, const std::vector<Event>& events) {
  if (events.empty()) return;
  for (const Event& event : events) {
    std::string text = message_text(event);
    if (text.empty()) continue;
    step.bytes += text.size();
    step.batch.messages.push_back({event.conversation, event.seq, message_place(event),
                                   std::move(text), event.sender_only ? event.sender : UserId()});
  }
  step.batch.marks.emplace_back(events.back().conversation, events.back().seq);
}

void SearchFeeder::finish(const StepPtr& step) {
  // The rest stays in front, in its order.
  for (std::size_t n = step->conversations.size(); n > step->next; --n) {
    list_.give_back(step->conversations[n - 1]);
  }
  const Position complete = may_complete();
  if (complete > complete_) step->batch.complete = complete;
  step->batch.partition = partition_;
  const auto messages = step->batch.messages.size();
  ports_.index.add(std::make_shared<const IndexBatch>(std::move(step->batch)),
                   guard_.wrap([this, complete, messages](const Status& added) {
                     if (!added) return failed(added.error());
                     trouble_.in_a_row = 0;
                     trouble_.last.reset();
                     indexed_ += messages;
                     complete_ = std::max(complete_, complete);
                     if (complete > 0) rebuilding_ = pause_.asked;
                     rest();
                     const bool much = walk_.under_way || list_.overflown() ||
                                       list_.size() >= step_.conversations;
                     if (much || !list_.empty() || may_complete() > complete_) {
                       work_soon(much ? Millis(0) : kGather);
                     }
                   }));
}

// A failure of the index, or of the whole store. Starts again from the store's heads, after a while.
void SearchFeeder::failed(const Error& error) {
  ++trouble_.count;
  trouble_.last = error;
  if (error.code == ErrorCode::kCacheCorrupt) {
    rest();
    return ports_.rebuild.damaged(error);
  }
  forget_list();
  rest();
  work_soon(kRetryFirst * (1 << std::min(trouble_.in_a_row++, kRetryDoublings)));
}

void SearchFeeder::forget_list() {
  unreadable_.ids.clear();
  list_.clear();
  walk_ = {true, {}, walk_.number + 1};
}

void SearchFeeder::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["search_waiting"] += list_.conversations();
  all["search_indexed"] += indexed_;
  all["search_failures"] += trouble_.count;
  std::uint64_t& rebuilding = all["search_rebuilding"];
  rebuilding = std::max<std::uint64_t>(rebuilding, rebuilding_ ? 1 : 0);
}

}  // namespace kith::server
