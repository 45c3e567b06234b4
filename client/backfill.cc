// Backfill: the next hole, its next page.
#include "client/backfill.h"

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {

void Backfill::run() {
  if (running_ || !parts_.connection.ready()) return;
  auto& holed = parts_.missing.holed;
  for (auto next = holed.begin(); next != holed.end();) {
    const ConversationId id = *next;
    const std::uint64_t before = acks_.delivered(id);
    if (before >= parts_.model.ranges(id).top() || unfillable_.count(id)) {
      next = holed.erase(next);
      continue;
    }
    if (parts_.rests.resting(id)) {
      ++next;
      continue;
    }
    if (!parts_.pace.take()) return;
    v1::ClientFrame frame;
    v1::GetEvents& get = *frame.mutable_get_events();
    get.set_conversation_id(id.bytes());
    get.set_from(before + 1);
    get.set_to(parts_.model.ranges(id).hole_end(before + 1));
    get.set_limit(limits::page_events_max);
    running_ = true;
    parts_.connection.request(
        frame, [this, id, before](const v1::ServerFrame* answer, const Error& error) {
          on_answer(id, before, answer, error);
        });
    return;
  }
}

void Backfill::on_answer(const ConversationId& id, std::uint64_t before,
                         const v1::ServerFrame* frame, const Error& error) {
  running_ = false;
  if (!frame && error.code == ErrorCode::kRateLimited) return parts_.pace.pause(pause_of(error));
  if (!frame && error.retry() != Retry::kNever) {  // the next sync comes back to it
    if (error.code == ErrorCode::kOffline) return;
    parts_.rests.note_failure(id, error);
    return run();
  }
  if (frame && frame->has_events_page()) {
    parts_.rests.end(id);
    const v1::EventsPage& page = frame->events_page();
    parts_.intake.apply(id, {page.events().begin(), page.events().end()}, page.floor_seq(), false);
  }
  if (acks_.delivered(id) <= before) unfillable_.insert(id);
  run();
}

}  // namespace kith::client
