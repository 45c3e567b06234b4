// RangeFill: from the newest hole down, page by page.
#include "client/range_fill.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {

void RangeFill::run_waiting() {
  for (const auto& fill : std::exchange(waiting_, {})) fill();
}

void RangeFill::fill(const ConversationId& id, std::uint64_t from, std::uint64_t to,
                     std::function<void()> done) {
  if (connection_.ready() && !session_.history_known) {
    waiting_.push_back([this, id, from, to, done = std::move(done)] { fill(id, from, to, done); });
    return;
  }
  const ConversationRecord* record = model_.find(id);
  if (record) from = std::max(from, record->floor_seq);
  const std::uint64_t hole =
      from <= to ? model_.ranges(id).last_hole(std::max<std::uint64_t>(from, 1), to) : 0;
  if (!record || hole == 0 || !connection_.ready()) {
    done();
    return;
  }
  v1::ClientFrame frame;
  v1::GetEvents& get = *frame.mutable_get_events();
  get.set_conversation_id(id.bytes());
  get.set_from(std::max<std::uint64_t>(from, 1));
  get.set_to(hole);
  get.set_newest(true);
  get.set_limit(limits::page_events_max);
  connection_.request(frame, [=, this, done = std::move(done)](const v1::ServerFrame* answer,
                                                               const Error&) {
    if (!answer || !answer->has_events_page()) {
      done();
      return;
    }
    const v1::EventsPage& page = answer->events_page();
    intake_.apply(id, {page.events().begin(), page.events().end()}, page.floor_seq(), false);
    const std::uint64_t left = model_.ranges(id).last_hole(std::max(from, page.floor_seq()), to);
    if (page.events_size() > 0 && left != 0 && left < hole) {
      fill(id, from, to, done);
    } else {
      done();
    }
  });
}

}  // namespace kith::client
