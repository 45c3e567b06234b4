// Model: merging what arrives into what is known.
#include "client/model.h"
#include "client/wire_ids.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/utf8.h"

namespace kith::client {
namespace {

const Ranges kNoRanges;

// A server may say anything: a 1:1 is one with the person whose id its own was made of, and in it nobody else
// speaks; a group stands under no such id.
bool is_of_its_type(const UserId& self, const ConversationId& id,
                    const v1::ConversationState& state) {
  const auto peer = user_id(state.direct_peer());
  if (state.type() == v1::CONVERSATION_TYPE_DIRECT)
    return peer && ConversationId::direct(self, *peer) == id;
  return id.is_group() && !peer;
}

bool may_hold(const UserId& self, const ConversationRecord& record, const v1::Event& event) {
  if (record.id.is_group()) return true;
  if (!record.id.is_direct()) return false;
  if (event.sender().empty() || event.sender() == self.view()) return true;
  const auto sender = user_id(event.sender());
  return sender && (record.peer == *sender || ConversationId::direct(self, *sender) == record.id);
}

// The other person of a 1:1, if the event tells: who wrote it, or with whom it was begun.
UserId peer_in(const UserId& self, const ConversationId& id, const v1::Event& event) {
  v1::MembershipBody body;
  if (event.kind() == v1::EVENT_KIND_MEMBERSHIP) body.ParseFromString(event.body());
  body.add_users(event.sender());
  for (const std::string& user : body.users()) {
    const auto other = user_id(user);
    if (other && *other != self && ConversationId::direct(self, *other) == id) return *other;
  }
  return {};
}

}  // namespace

void Model::load(const CacheContent& content) {
  conversations_ = content.conversations;
  ranges_ = content.ranges;
  for (const Profile& p : content.profiles) profiles_[p.user] = p;
}

const ConversationRecord* Model::find(const ConversationId& id) const {
  const auto it = conversations_.find(id);
  return it == conversations_.end() ? nullptr : &it->second;
}

const Ranges& Model::ranges(const ConversationId& id) const {
  const auto it = ranges_.find(id);
  return it == ranges_.end() ? kNoRanges : it->second;
}

std::uint64_t Model::top(const ConversationId& id) const {
  const ConversationRecord* record = find(id);
  const std::uint64_t below_floor = record && record->floor_seq > 0 ? record->floor_seq - 1 : 0;
  return std::max(ranges(id).top(), below_floor);
}

const Profile* Model::profile(const UserId& user) const {
  const auto it = profiles_.find(user);
  return it == profiles_.end() ? nullptr : &it->second;
}

void Model::emit_conversation(const ConversationId& id) {
  if (const ConversationRecord* record = find(id))
    emit_(ConversationChanged{shown_.conversation_of(*record)});
}

Status Model::apply_events(const ConversationId& conversation, const std::vector<v1::Event>& events,
                           std::uint64_t floor, bool live, std::vector<MessageId>* removed) {
  CacheChange change;
  const ConversationRecord* known = find(conversation);
  if (!known && conversations_.size() >= limits::conversations_kept_max) return {};
  ConversationRecord record = known ? *known : ConversationRecord{};
  if (!known) {
    record.id = conversation;
    record.role = MemberRole::kMember;
  }
  Ranges ranges = this->ranges(conversation);
  record.floor_seq = std::max(record.floor_seq, floor);
  std::uint64_t lowest = 0;  // of what others wrote
  std::uint64_t highest = 0;
  for (const v1::Event& e : events) {
    if (e.seq() == 0 || e.conversation_id() != conversation.view() || ranges.has(e.seq())) continue;
    if (!may_hold(self_, record, e)) continue;
    if (record.id.is_direct() && record.peer.empty()) {
      // Its state is still to come, but who writes there must be able to name the other.
      record.type = ConversationType::kDirect;
      record.peer = peer_in(self_, conversation, e);
    }
    StoredEvent stored{conversation, e.seq(), id_of<MessageId>(e.message_id()), e.ordinal(),
                       e.SerializeAsString()};
    ranges.add(e.seq(), e.seq());
    // The newest event's: no time is kept for having been the latest, whatever clock it came from.
    if (e.seq() >= record.last_seq) record.last_ts_ms = static_cast<std::int64_t>(e.server_ts_ms());
    record.last_seq = std::max(record.last_seq, e.seq());
    record.last_ordinal = std::max(record.last_ordinal, e.ordinal());
    if (e.sender() == self_.view()) {
      change.outbox_remove.push_back(stored.message);
      record.read_seq = std::max(record.read_seq, e.seq());  // what one writes, one has read
      record.read_ordinal = std::max(record.read_ordinal, e.ordinal());
    } else if (e.kind() != v1::EVENT_KIND_VOID) {
      lowest = lowest ? std::min(lowest, e.seq()) : e.seq();
      highest = std::max(highest, e.seq());
    }
    change.events.push_back(std::move(stored));
  }
  if (change.events.empty() && (known ? record == *known : !events.empty())) return {};
  change.ranges[conversation] = ranges;
  change.conversations.push_back(record);
  if (lowest) hand_marks_.note(conversation, lowest, &change);
  if (Status s = store_.commit(change); !s) return s;
  if (lowest) hand_marks_.kept(conversation, lowest, highest);
  conversations_[conversation] = record;
  ranges_[conversation] = std::move(ranges);
  if (removed) *removed = change.outbox_remove;
  for (const StoredEvent& e : change.events) {
    Message message = shown_.message_of(e);
    if (ShownRows::is_shown(message)) emit_(MessageChanged{std::move(message), true, live});
  }
  emit_conversation(conversation);
  return {};
}

Status Model::apply_states(const std::vector<v1::ConversationState>& states,
                           std::optional<std::uint64_t> cursor) {
  CacheChange change;
  change.cursor = cursor;
  std::map<ConversationId, ConversationRecord> merged;
  for (const v1::ConversationState& s : states) {
    const auto id = conversation_id(s.conversation_id());
    if (!id || !is_of_its_type(self_, *id, s)) continue;
    const ConversationRecord* known = find(*id);
    if (!known && !merged.count(*id) &&
        conversations_.size() + merged.size() >= limits::conversations_kept_max) {
      continue;
    }
    ConversationRecord r = merged.count(*id) ? merged[*id] : known ? *known : ConversationRecord{};
    r.id = *id;
    if (s.entry_ver() >= r.entry_ver) {
      r.entry_ver = s.entry_ver();
      r.type = static_cast<ConversationType>(s.type());
      r.title = utf8_prefix(s.title(), limits::title_bytes_max);
      r.peer = id_of<UserId>(s.direct_peer());
      r.role = static_cast<MemberRole>(s.role());
      r.member_count = s.member_count();
      r.large = s.large();
    }
    if (s.last_seq() >= r.last_seq && s.last_ts_ms() != 0) {
      r.last_ts_ms = static_cast<std::int64_t>(s.last_ts_ms());
    }
    r.last_seq = std::max(r.last_seq, s.last_seq());
    r.last_ordinal = std::max(r.last_ordinal, s.last_ordinal());
    r.floor_seq = std::max(r.floor_seq, s.join_seq());
    r.read_seq = std::max(r.read_seq, s.read_seq());
    r.read_ordinal = std::max(r.read_ordinal, s.read_ordinal());
    r.delivered_seq = std::max(r.delivered_seq, s.delivered_seq());
    merge(r.marks, {Seq(s.delivered_all_seq()), Seq(s.read_all_seq()), Seq(s.read_any_seq())});
    merged[*id] = r;
  }
  for (const auto& [id, record] : merged) change.conversations.push_back(record);
  if (!change.touches_cache()) return {};
  if (Status s = store_.commit(change); !s) return s;
  for (auto& [id, record] : merged) {
    const ConversationRecord old = find(id) ? *find(id) : ConversationRecord{};
    conversations_[id] = record;
    if (old == record) continue;
    status_moved(old, record);
    emit_conversation(id);
  }
  return {};
}

Status Model::forget_history(const std::vector<ConversationId>& read_marks,
                             const std::string& run) {
  CacheChange change;
  change.forget_history = true;
  change.cursor = 0;
  change.kv["run"] = run;
  change.run = run;
  change.read_marks_remove = read_marks;
  hand_marks_.clear(&change);
  if (Status s = store_.commit(change); !s) return s;
  conversations_.clear();
  ranges_.clear();
  return {};
}

Status Model::put(const ConversationRecord& record) {
  CacheChange change;
  change.conversations.push_back(record);
  if (Status s = store_.commit(change); !s) return s;
  const ConversationRecord old = find(record.id) ? *find(record.id) : ConversationRecord{};
  conversations_[record.id] = record;
  status_moved(old, record);
  emit_conversation(record.id);
  return {};
}

Status Model::apply_receipt(const v1::ReceiptState& state) {
  const auto id = conversation_id(state.conversation_id());
  const ConversationRecord* known = id ? find(*id) : nullptr;
  if (!known) return {};
  ConversationRecord record = *known;
  const DeliveryMarks news{Seq(state.delivered_all_seq()), Seq(state.read_all_seq()),
                           Seq(state.read_any_seq())};
  if (!merge(record.marks, news)) return {};
  return put(record);
}

Status Model::put_profiles(std::vector<Profile> profiles) {
  for (Profile& p : profiles) {
    p.handle = utf8_prefix(p.handle, limits::handle_bytes_max);
    p.display_name = utf8_prefix(p.display_name, limits::display_name_bytes_max);
  }
  std::erase_if(profiles, [&](const Profile& p) {
    const Profile* known = profile(p.user);
    return known && known->handle == p.handle && known->display_name == p.display_name;
  });
  if (profiles.empty()) return {};
  CacheChange change;
  change.profiles = std::move(profiles);
  if (Status s = store_.commit(change); !s) return s;
  for (const Profile& p : change.profiles) {
    profiles_[p.user] = p;
    emit_conversation(ConversationId::direct(self_, p.user));
  }
  return {};
}

Status Model::raise_head(const ConversationId& id, std::uint64_t last_seq, std::uint64_t ordinal) {
  const ConversationRecord* known = find(id);
  if (!known || known->last_seq >= last_seq) return {};
  ConversationRecord record = *known;
  record.last_seq = last_seq;
  record.last_ordinal = std::max(record.last_ordinal, ordinal);
  return put(record);
}

Status Model::load_hand_marks(bool by_hand, const std::map<std::string, std::string>& kv) {
  CacheChange change;
  hand_marks_.load(by_hand, kv, &change);
  return change.kv.empty() ? Status() : store_.commit(change);
}

Status Model::dealt_with(const ConversationId& id, std::uint64_t seq) {
  CacheChange change;
  hand_marks_.raise(id, seq, ranges(id).top(), &change);
  return change.kv.empty() ? Status() : store_.commit(change);
}

void Model::status_moved(const ConversationRecord& old, const ConversationRecord& now) {
  if (old.marks == now.marks) return;
  const std::uint64_t from = std::min(std::max(old.marks.read_all.value, std::uint64_t{0}),
                                      old.marks.delivered_all.value) +
                             1;
  const std::uint64_t to = std::max(now.marks.read_all.value, now.marks.delivered_all.value);
  const auto events = store_.events(now.id, from, to + 1, limits::page_events_max);
  if (!events) return;
  for (const StoredEvent& e : *events) {
    const DeliveryStatus before = derive(Seq(e.seq), old.marks.delivered_all, old.marks.read_all);
    Message message = shown_.message_of(e);
    if (message.mine && message.kind == MessageKind::kText && message.status != before)
      emit_(MessageChanged{std::move(message), false, false});
  }
}

}  // namespace kith::client
