// History: from the cache and the outbox; holes are fetched.
#include "client/history.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "client/wire_ids.h"
#include "kith/core/limits.h"

namespace kith::client {

void History::page(const ConversationId& id, Seq before, std::size_t limit,
                   Done<std::vector<Message>> done) {
  const ConversationRecord* record = replica_.model().find(id);
  if (!record || limit == 0) {
    done(std::vector<Message>{});
    return;
  }
  limit = std::min(limit, limits::view_items_max);
  const std::uint64_t end =
      before ? std::min(before.value, record->last_seq + 1) : record->last_seq + 1;
  const std::uint64_t from =
      std::max<std::uint64_t>(end > limit ? end - limit : 1, record->floor_seq);
  const auto read = [this, id, from, end, limit, done = std::move(done)] {
    const Model& held = replica_.model();
    const ConversationRecord* now = held.find(id);
    const std::uint64_t floor = now ? std::max<std::uint64_t>(now->floor_seq, 1) : end;
    const bool whole = from < end && held.ranges(id).last_hole(from, end - 1) == 0;
    if (whole && from > floor && held.shown().messages(id, from, end, 1).empty()) {
      page(id, Seq(from), limit, done);  // all of it is withheld: only the beginning is empty
    } else {
      done(held.shown().messages(id, 1, end, limit));
    }
  };
  replica_.sync().fill(id, from, end > 0 ? end - 1 : 0, read);
}

std::vector<Message> History::timeline(const ConversationId& id, std::size_t window) {
  window = std::min(window, limits::view_items_max);
  const ShownRows& shown = replica_.model().shown();
  std::vector<Message> found = shown.with_gaps(id, shown.messages(id, 1, INT64_MAX, window));
  for (const OutboxRow& row : replica_.outbox().rows().of(id)) {
    if (row.kind == OutboxKind::kMessage) found.push_back(shown.message_of(row));
  }
  if (found.size() > window)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(window));
  return found;
}

std::vector<Conversation> History::conversations(std::size_t limit) {
  struct Place {
    std::int64_t waiting;  // just written and on its way: above all others, whatever clocks say
    std::int64_t time;
    const ConversationRecord* record;
  };
  const OutboxRows& outbox = replica_.outbox().rows();
  std::vector<Place> order;
  for (const auto& [id, record] : replica_.model().conversations()) {
    if (record.last_seq == 0 && !outbox.has(id)) continue;
    const OutboxRow* row = outbox.newest(id);
    order.push_back({row && !row->failed ? row->order : 0, record.last_ts_ms, &record});
  }
  std::sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
    return std::tie(b.waiting, b.time, a.record->id) < std::tie(a.waiting, a.time, b.record->id);
  });
  if (order.size() > limit) order.resize(limit);
  std::vector<Conversation> found;
  found.reserve(order.size());
  for (const Place& place : order)
    found.push_back(replica_.model().shown().conversation_of(*place.record));
  return found;
}

Status History::acknowledge(const ConversationId& id, Seq upto) {
  if (Status s = replica_.model().dealt_with(id, upto.value); !s) return s;
  replica_.sync().note_ack(id);
  return {};
}

std::vector<Message> History::unacknowledged() {
  std::vector<Message> found;
  const Model& model = replica_.model();
  const auto marks = model.hand_marks().all();
  for (const auto& [id, mark] : marks) {
    const std::uint64_t top = model.ranges(id).top();
    const std::size_t before = found.size();
    for (std::uint64_t from = mark.upto + 1; from <= top && found.size() == before;) {
      const std::uint64_t end = from + limits::page_events_max;
      for (Message& m : model.shown().messages(id, from, end, limits::page_events_max)) {
        if (!m.mine) found.push_back(std::move(m));
      }
      from = end;
    }
    if (found.size() == before) (void)acknowledge(id, Seq(top));  // the user's own, or withheld
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Message& a, const Message& b) { return a.time.ms < b.time.ms; });
  return found;
}

void History::readers(const ConversationId& id, Seq seq, Done<Readers> done) {
  v1::ClientFrame frame;
  frame.mutable_get_readers()->set_conversation_id(id.bytes());
  frame.mutable_get_readers()->set_seq(seq.value);
  requests_.ask<Readers>(
      frame, std::move(done), [this, seq](const v1::ServerFrame& answer) -> std::optional<Readers> {
        if (!answer.has_readers_page()) return std::nullopt;
        const v1::ReadersPage& page = answer.readers_page();
        Readers found{{}, page.read_count(), page.delivered_count(), page.member_count()};
        for (const v1::MemberMark& mark : page.members()) {
          found.members.push_back({id_of<UserId>(mark.user_id()), mark.delivered_seq() >= seq.value,
                                   mark.read_seq() >= seq.value});
          profiles_.want(found.members.back().user);
        }
        return found;
      });
}

}  // namespace kith::client
