// Writes a batch into store.db: conversation by conversation, then where its commands were placed.
#include "server/adapters/embedded/conversation_store_batch_sqlite.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/adapters/embedded/command_place.h"
#include "server/adapters/embedded/conversation_store_rows_sqlite.h"
#include "server/adapters/embedded/event_chunk.h"
#include "server/adapters/embedded/member_list.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {
namespace {

// A conversation of at most this many members, present and former, has them in its own row: they
// change together, and a page of the file holds both.
constexpr std::size_t kListedMax = 16;

using MemberRow = std::pair<ConversationId, Member>;

// The batch's rows of one conversation.
struct Changes {
  ConversationId id;
  std::span<const Event* const> events;
  const Head* head = nullptr;
  std::span<const MemberRow* const> members;
};

// The store's rows of it.
struct Stored {
  bool there = false;
  std::uint64_t last_seq = 0;
  bool large = false;
  bool in_rows = false;  // its members are, for good
  std::string listed;    // or here; empty: wherever an earlier version left them
  [[nodiscard]] std::optional<std::string_view> column() const {
    return in_rows || !listed.empty() ? std::optional<std::string_view>(listed) : std::nullopt;
  }
};

class BatchWriter {
 public:
  BatchWriter(Database& db, const StoreBatch& batch, const std::function<void()>& pause)
      : db_(db), batch_(batch), pause_(pause) {}

  Status write() {
    sort();
    if (auto status = find_last_chunk(); !status) return status;
    while (const auto next = next_changes()) {
      if (auto status = write(*next); !status) return status;
      pause_();
    }
    if (auto status = write_places(); !status) return status;
    if (auto status = write_tenure(); !status) return status;
    return db_.query("UPDATE meta SET value=?1 WHERE key='applied'").bind(batch_.position).run();
  }

 private:
  void sort();
  Status write_tenure();
  std::optional<Changes> next_changes();
  Status find_last_chunk();
  Result<Stored> stored(const ConversationId& id);
  Status write(const Changes& changes);
  Status write_events(const Changes& changes, std::uint64_t after);
  Status write_chunk(const ConversationId& id);
  Status write_members(const Changes& changes, Stored& stored, bool large);
  static void merge(const Changes& changes, std::vector<Member>& members);
  Status write_rows(const Changes& changes);
  Status write_row(const ConversationId& id, const Member& m);
  Status write_head(const Head& h, const Stored& stored);
  Status write_places();

  Database& db_;
  const StoreBatch& batch_;
  const std::function<void()>& pause_;

  // By conversation: neighbours in the tree are written together.
  std::vector<const Event*> events_;
  std::vector<const Head*> heads_;
  std::vector<const MemberRow*> members_;
  std::size_t event_ = 0;
  std::size_t head_ = 0;
  std::size_t member_ = 0;

  EventChunk chunk_;
  std::int64_t last_chunk_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> places_;  // key, chunk
};

template <class T, class Before>
void sort_unless_sorted(std::vector<T>& all, Before before) {
  if (!std::is_sorted(all.begin(), all.end(), before)) {
    std::stable_sort(all.begin(), all.end(), before);
  }
}

void BatchWriter::sort() {
  events_.reserve(batch_.events.size());
  for (const EventPtr& event : batch_.events) events_.push_back(event.get());
  heads_.reserve(batch_.heads.size());
  for (const Head& head : batch_.heads) heads_.push_back(&head);
  members_.reserve(batch_.members.size());
  for (const MemberRow& member : batch_.members) members_.push_back(&member);
  sort_unless_sorted(
      events_, [](const Event* a, const Event* b) { return a->conversation < b->conversation; });
  sort_unless_sorted(heads_, [](const Head* a, const Head* b) { return a->id < b->id; });
  sort_unless_sorted(members_,
                     [](const MemberRow* a, const MemberRow* b) { return a->first < b->first; });
  places_.reserve(events_.size());
}

std::optional<Changes> BatchWriter::next_changes() {
  Changes next;
  bool some = false;
  const auto sooner = [&](const ConversationId& id) {
    if (!some || id < next.id) next.id = id;
    some = true;
  };
  if (event_ < events_.size()) sooner(events_[event_]->conversation);
  if (head_ < heads_.size()) sooner(heads_[head_]->id);
  if (member_ < members_.size()) sooner(members_[member_]->first);
  if (!some) return std::nullopt;
  const std::size_t first_event = event_;
  while (event_ < events_.size() && events_[event_]->conversation == next.id) ++event_;
  next.events = std::span(events_).subspan(first_event, event_ - first_event);
  while (head_ < heads_.size() && heads_[head_]->id == next.id) next.head = heads_[head_++];
  const std::size_t first_member = member_;
  while (member_ < members_.size() && members_[member_]->first == next.id) ++member_;
  next.members = std::span(members_).subspan(first_member, member_ - first_member);
  return next;
}

Status BatchWriter::find_last_chunk() {
  Query last = db_.query("SELECT max(id) FROM chunk");
  if (last.next()) last_chunk_ = last.time(0);
  return last.status();
}

Result<Stored> BatchWriter::stored(const ConversationId& id) {
  Stored found;
  Query row = db_.query("SELECT last_seq,large,members FROM conversation WHERE id=?1");
  if (row.bind(id).next()) {
    found.there = true;
    found.last_seq = row.number(0);
    found.large = row.number(1) != 0;
    found.listed = row.bytes(2);
    found.in_rows = found.listed.empty() && !row.null(2);
  }
  if (auto status = row.status(); !status) return status.error();
  return found;
}

Status BatchWriter::write(const Changes& changes) {
  auto found = stored(changes.id);
  if (!found) return found.error();
  // The history has no gaps: what is not behind its end is there already.
  if (auto status = write_events(changes, found->last_seq); !status) return status;
  const bool large = changes.head != nullptr ? changes.head->large : found->large;
  if (!changes.members.empty() || (large && !found->in_rows)) {
    if (auto status = write_members(changes, *found, large); !status) return status;
  }
  if (changes.head != nullptr) return write_head(*changes.head, *found);
  if (!found->there || changes.members.empty()) return {};
  return db_.query("UPDATE conversation SET members=?2 WHERE id=?1")
      .bind(changes.id, found->column())
      .run();
}

Status BatchWriter::write_events(const Changes& changes, std::uint64_t after) {
  for (const Event* event : changes.events) {
    if (event->seq <= after) continue;
    chunk_.add(*event);
    places_.emplace_back(place_key(event->conversation, event->sender, event->message_id),
                         last_chunk_ + 1);
    if (!chunk_.full()) continue;
    if (auto status = write_chunk(changes.id); !status) return status;
  }
  return chunk_.empty() ? Status() : write_chunk(changes.id);
}

Status BatchWriter::write_chunk(const ConversationId& id) {
  Status written =
      db_.query("INSERT OR IGNORE INTO chunk(id,conversation,first,events) VALUES(?1,?2,?3,?4)")
          .bind(++last_chunk_, id, chunk_.first_seq(), chunk_.bytes())
          .run();
  chunk_.clear();
  return written;
}

// Leaves in `stored` where they are now.
Status BatchWriter::write_members(const Changes& changes, Stored& stored, bool large) {
  const bool has_row = stored.there || changes.head != nullptr;
  if (stored.in_rows || !has_row) return write_rows(changes);
  auto members = stored_members(db_, changes.id, stored.listed);
  if (!members) return members.error();
  const bool were_rows = stored.listed.empty() && !members->empty();
  merge(changes, *members);
  stored.in_rows = large || members->size() > kListedMax;
  stored.listed = stored.in_rows ? "" : bytes_of(*members);
  if (!stored.in_rows) {
    if (!were_rows) return {};
    return db_.query("DELETE FROM member WHERE conversation=?1").bind(changes.id).run();
  }
  if (were_rows) {
    for (const MemberRow* row : changes.members) {
      if (auto status = write_row(changes.id, row->second); !status) return status;
    }
  } else {
    for (const Member& m : *members) {
      if (auto status = write_row(changes.id, m); !status) return status;
      pause_();
    }
  }
  return {};
}

// Into `members`, which are sorted by user.
void BatchWriter::merge(const Changes& changes, std::vector<Member>& members) {
  std::vector<const MemberRow*> changed(changes.members.begin(), changes.members.end());
  sort_unless_sorted(changed, [](const MemberRow* a, const MemberRow* b) {
    return a->second.user < b->second.user;
  });
  std::vector<Member> merged;
  merged.reserve(members.size() + changed.size());
  auto old = members.begin();
  for (const MemberRow* row : changed) {
    const Member& m = row->second;
    while (old != members.end() && old->user <= m.user) merged.push_back(*old++);
    if (!merged.empty() && merged.back().user == m.user) merged.pop_back();
    merged.push_back(m);
  }
  merged.insert(merged.end(), old, members.end());
  members = std::move(merged);
}

Status BatchWriter::write_rows(const Changes& changes) {
  for (const MemberRow* row : changes.members) {
    if (auto status = write_row(changes.id, row->second); !status) return status;
    pause_();
  }
  return {};
}

Status BatchWriter::write_row(const ConversationId& id, const Member& m) {
  return db_
      .query("REPLACE INTO member(" KITH_MEMBER_COLUMNS
             ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,0,?11,?12)")
      .bind(m.user, id, static_cast<std::uint32_t>(m.role), m.join_seq, m.left_seq, m.delivered_seq,
            m.read_seq, m.read_ordinal, m.public_read_seq, m.sharing, m.withheld,
            bytes_of(m.left.get()))
      .run();
}

Status BatchWriter::write_head(const Head& h, const Stored& stored) {
  return db_
      .query("REPLACE INTO conversation(" KITH_HEAD_COLUMNS
             ",members) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)")
      .bind(h.id, static_cast<std::uint32_t>(h.type), h.last_seq, h.last_position, h.last_ordinal,
            h.last_ts_ms, h.title, h.roster_ver, h.member_count, h.large, h.delivered_all_seq,
            h.read_all_seq, h.read_any_seq, h.entry_ver, stored.column())
      .run();
}

// In ascending order: new ones go to the end of the tree.
Status BatchWriter::write_places() {
  std::sort(places_.begin(), places_.end());
  for (const auto& [key, chunk] : places_) {
    for (std::int64_t place = key; place < key + kSamePlaceMax; ++place) {
      auto status = db_.query("INSERT OR IGNORE INTO place(key,chunk) VALUES(?1,?2)")
                        .bind(place, chunk)
                        .run();
      if (!status) return status;
      if (db_.changes() != 0) break;
    }
    pause_();
  }
  return {};
}

// A log that is not shared has none, and no row.
Status BatchWriter::write_tenure() {
  if (batch_.tenure == Tenure{}) return {};
  return db_.query("INSERT OR REPLACE INTO meta VALUES('tenure_epoch',?1),('tenure_holder',?2)")
      .bind(batch_.tenure.epoch, batch_.tenure.holder)
      .run();
}

}  // namespace

Status write_batch(Database& db, const StoreBatch& batch, const std::function<void()>& pause) {
  Transaction transaction(db);
  if (!transaction.begun()) return transaction.begun();
  const auto applied = stored_up_to(db);
  if (!applied) return applied.error();
  if (batch.position <= applied->position) return {};
  if (auto written = BatchWriter(db, batch, pause).write(); !written) return written;
  return transaction.commit();
}

std::size_t batch_rows(const StoreBatch& batch) {
  return batch.heads.size() + batch.events.size();
}

}  // namespace kith::server
