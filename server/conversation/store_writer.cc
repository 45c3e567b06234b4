// Batches for the store.
#include "server/conversation/store_writer.h"

#include <algorithm>
#include <utility>

namespace kith::server {
namespace {

// The store follows the log in batches of this age.
constexpr Millis kGatherTime{1000};
// Conversations that are put into a batch in one go: a millisecond when none of them is in the
// processor's cache. For every kGatherMore records that the store is behind as many more, for turns
// are long then, and it must not fall behind for want of turns.
constexpr std::size_t kGatherSlice = 32;
constexpr std::uint64_t kGatherMore = 16'384;

}  // namespace

StoreWriter::StoreWriter(ConversationStore& store, Scheduler& scheduler, ConversationTable& table,
                         FeedMarks& marks, StorePace& pace, LogProgress& progress)
    : store_(store),
      scheduler_(scheduler),
      table_(table),
      marks_(marks),
      pace_(pace),
      progress_(progress) {}

Result<Position> StoreWriter::start() {
  const auto applied = store_.applied();
  if (!applied) return applied.error();
  progress_.begins_behind(*applied);
  return applied->position;
}

void StoreWriter::note_changed(ConversationSlot& slot) {
  if (!std::exchange(slot.dirty, true)) dirty_.push_back(slot.conversation.head.id);
}

void StoreWriter::schedule() {
  if (writing_ || scheduled_) return;
  scheduled_ = true;
  // The log has it already: what waits a little is written with its neighbours, and a head that
  // changes often is written once.
  const Millis wait = progress_.apply_lag() < pace_.marks().at_once ? kGatherTime : Millis(0);
  scheduler_.after(wait, guard_.wrap([this] {
    scheduled_ = false;
    begin();
  }));
}

void StoreWriter::hurry() {
  if (failures_ == 0) begin();
}

void StoreWriter::begin() {
  if (writing_) return;
  if (failures_ > 0) return give();  // the same batch again
  // The store gets the position of records that changed nothing with the next batch, or when there are many.
  if (dirty_.empty() && !progress_.due() && progress_.apply_lag() < pace_.marks().at_once) return;
  // The store knows a batch by its position: one that ends where the last one did would be taken
  // for its repetition. A record that still waits for its conversation holds the position back.
  if (progress_.decided() <= progress_.applied()) {
    if (progress_.due()) schedule();
    return;
  }
  writing_ = true;
  pace_.batch_begins(progress_.apply_lag(), scheduler_.clock().steady_ms());
  gathering_ = std::make_unique<Gathering>();
  gathering_->batch.position = progress_.decided();
  gathering_->ids = std::exchange(dirty_, {});
  // Neighbours in the store's tree are written together.
  std::sort(gathering_->ids.begin(), gathering_->ids.end());
  // As many as they mostly are: vectors of a megabyte are not to be copied over and over.
  gathering_->batch.heads.reserve(gathering_->ids.size());
  gathering_->batch.members.reserve(2 * gathering_->ids.size());
  gathering_->batch.events.reserve(2 * gathering_->ids.size());
  gather();
}

// A few conversations at a time, so that others get their turn of the loop. A conversation that
// changes meanwhile is taken as it is then; later records are still decided only once, because the
// conversation's head holds its position.
void StoreWriter::gather() {
  const std::size_t slice = kGatherSlice * (1 + progress_.apply_lag() / kGatherMore);
  const std::size_t to = std::min(gathering_->ids.size(), gathering_->next + slice);
  for (; gathering_->next < to; ++gathering_->next) {
    take(gathering_->ids[gathering_->next], gathering_->batch);
  }
  if (gathering_->next < gathering_->ids.size()) {
    scheduler_.post(guard_.wrap([this] { gather(); }));
    return;
  }
  StoreBatch& batch = gathering_->batch;
  if (dirty_.empty()) batch.position = progress_.decided();  // everything since then is in it
  batch.tenure = progress_.tenures().at(batch.position);
  batch_ = std::make_shared<const StoreBatch>(std::move(batch));
  gathering_.reset();
  give();
}

void StoreWriter::take(const ConversationId& id, StoreBatch& batch) {
  ConversationSlot& s = *table_.find(id);
  s.dirty = false;
  // A refused record of a conversation that does not exist leaves nothing.
  if (s.exists()) batch.heads.push_back(s.conversation.head);
  s.changed_members.take_each([&](const UserId& user) {
    if (const Member* m = find_member(s.conversation, user)) batch.members.emplace_back(id, *m);
  });
  const auto fresh = s.recent.all().last(std::exchange(s.new_events, 0));
  batch.events.insert(batch.events.end(), fresh.begin(), fresh.end());
}

// The marks first: a record whose effect the store has is not decided again after a crash, and would
// never be marked.
void StoreWriter::give() {
  writing_ = true;
  marks_.flush(guard_.wrap([this](const Status&) { apply(); }));
}

void StoreWriter::apply() {
  store_.apply(batch_, guard_.wrap([this](const Status& status) { given(status); }));
}

void StoreWriter::given(const Status& status) {
  writing_ = false;
  if (health_ != nullptr && !status) health_->failed(ServiceHealth::Part::kStore, status.error());
  if (health_ != nullptr && status) health_->good(ServiceHealth::Part::kStore);
  if (!status) {
    // Nothing is lost: the log has it. The same batch is tried again, slower each time.
    const auto wait = Millis(100) * (1 << std::min(failures_++, 6U));
    scheduler_.after(wait, guard_.wrap([this] { begin(); }));
    return;
  }
  failures_ = 0;
  progress_.stored(batch_->position);
  pace_.batch_ends(scheduler_.clock().steady_ms());
  const auto stored = std::exchange(batch_, nullptr);
  if (!dirty_.empty() || progress_.due()) schedule();
  if (stored_) stored_(stored);
}

}  // namespace kith::server
