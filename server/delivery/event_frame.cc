// A frame of events, written as they come.
#include "server/delivery/event_frame.h"

#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"

namespace kith::server {

void EventFrame::add(const Event& event, const UserId& reader) {
  if (!out_) {
    out_.emplace(buffer_.begin());
    begin_ = out_->open(v1::ServerFrame::kEventPushFieldNumber);
  }
  const std::size_t one = out_->open(v1::EventPush::kEventsFieldNumber);
  write(event, reader, *out_);
  out_->close(one);
}

std::shared_ptr<const std::string> EventFrame::take() {
  if (!out_) return nullptr;
  out_->close(begin_);
  out_.reset();
  return buffer_.share();
}

}  // namespace kith::server
