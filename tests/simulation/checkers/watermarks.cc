// Invariant 7.
#include "tests/simulation/checkers/watermarks.h"

namespace kith::sim {

void WatermarksChecker::applied(std::uint32_t /*partition*/, const server::StoreBatch& batch) {
  for (const server::Head& h : batch.heads) head(h);
  for (const auto& [id, m] : batch.members) member(id, m);
}

void WatermarksChecker::head(const server::Head& h) {
  server::Head& before = heads_[h.id];
  const bool fell = h.last_seq < before.last_seq || h.last_ordinal < before.last_ordinal ||
                    h.delivered_all_seq < before.delivered_all_seq ||
                    h.read_all_seq < before.read_all_seq || h.read_any_seq < before.read_any_seq;
  if (fell) broken(7, "a published mark of conversation " + brief(h.id) + " fell");
  if (h.delivered_all_seq > h.last_seq || h.read_any_seq > h.last_seq) {
    broken(7, "conversation " + brief(h.id) + " is delivered or read beyond its end");
  }
  before = h;
}

void WatermarksChecker::member(const ConversationId& id, const server::Member& m) {
  server::Member& before = members_[{id, m.user}];
  const std::string name = "of " + brief(m.user) + " in conversation " + brief(id);
  if (m.read_seq < before.read_seq || m.delivered_seq < before.delivered_seq ||
      m.public_read_seq < before.public_read_seq) {
    broken(7, "a mark " + name + " fell");
  }
  const std::uint64_t last = truth_.store_of(id).heads.at(id).last_seq;
  if (m.delivered_seq > last || m.read_seq > m.delivered_seq || m.public_read_seq > m.read_seq) {
    broken(7, "the marks " + name + " are out of order: public " +
                  std::to_string(m.public_read_seq) + ", read " + std::to_string(m.read_seq) +
                  ", delivered " + std::to_string(m.delivered_seq) + ", last " +
                  std::to_string(last));
  }
  before = m;
}

void WatermarksChecker::cached(const Who& who, const client::CacheChange& change) {
  for (const auto& r : change.conversations) record(who, r);
  if (!change.cursor) return;
  std::uint64_t& before = cursors_[who.device];
  if (*change.cursor < before) broken(7, "the cursor of " + who.name + " fell");
  before = *change.cursor;
}

void WatermarksChecker::record(const Who& who, const client::ConversationRecord& r) {
  client::ConversationRecord& before = records_[who.device][r.id];
  const auto fell = [&](const char* what, auto was, auto is) {
    if (is >= was) return;
    broken(7, std::string(what) + " of conversation " + brief(r.id) + " fell from " +
                  std::to_string(was) + " to " + std::to_string(is) + " on " + who.name);
  };
  fell("read_seq", before.read_seq, r.read_seq);
  fell("read_ordinal", before.read_ordinal, r.read_ordinal);
  fell("delivered_seq", before.delivered_seq, r.delivered_seq);
  fell("entry_ver", before.entry_ver, r.entry_ver);
  fell("delivered_all", before.marks.delivered_all.value, r.marks.delivered_all.value);
  fell("read_all", before.marks.read_all.value, r.marks.read_all.value);
  fell("read_any", before.marks.read_any.value, r.marks.read_any.value);
  before = r;
}

void WatermarksChecker::told(const Who& who, const client::Event& event) {
  const auto* changed = std::get_if<client::MessageChanged>(&event);
  if (changed == nullptr || !changed->message.mine) return;
  if (changed->message.kind != MessageKind::kText) return;
  const auto [before, fresh] =
      statuses_[who.device].try_emplace(changed->message.id, changed->message.status);
  const DeliveryStatus now = changed->message.status;
  const bool again =  // failed for good, or after a resend
      now <= DeliveryStatus::kSending && before->second <= DeliveryStatus::kSending;
  if (!fresh && !again && now < before->second) {
    broken(7, "the status of message " + brief(changed->message.id) + " fell from " +
                  std::to_string(static_cast<int>(before->second)) + " to " +
                  std::to_string(static_cast<int>(now)) + " on " + who.name);
  }
  before->second = now;
}

void WatermarksChecker::rolled_back(const Who& who) {
  records_.erase(who.device);
  cursors_.erase(who.device);
  statuses_.erase(who.device);
}

}  // namespace kith::sim
