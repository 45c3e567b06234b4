// DeferredPush: events of a large group that its passive members have not got yet.
#pragma once

#include <cstdint>

#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"

namespace kith::server {

struct DeferredPush {
  explicit DeferredPush(std::int64_t now_ms, bool heads = false) : since_ms(now_ms), head(heads) {}

  std::int64_t since_ms;  // when it began, on the monotonic clock
  bool head;              // the newest head only: there is too much to push
  bool moved = false;     // there is something to tell
  v1::ServerFrame frame;  // the events, unless `head`

  void add(const Event& event) {
    moved = true;
    if (head) return;
    // A new member must not see earlier events.
    const bool roster = event.kind == EventKind::kMembership;
    head = roster && frame.event_push().events_size() > 0;
    if (!head) to_wire(event, UserId(), frame.mutable_event_push()->add_events());
    head |= frame.ByteSizeLong() > kBytes;
    if (head) frame.Clear();
  }

 private:
  static constexpr std::size_t kBytes = 8 * 1024;
};

}  // namespace kith::server
