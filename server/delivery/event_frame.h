// EventFrame: an EventPush that grows event by event, encoded from the first one on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kith/core/ids.h"
#include "server/delivery/frame_buffer.h"
#include "src/wire_writer.h"

namespace kith::server {

struct Event;

class EventFrame {
 public:
  // As `reader` may see it.
  void add(const Event& event, const UserId& reader);
  // The whole frame; the next add() begins another.
  std::shared_ptr<const std::string> take();

 private:
  FrameBuffer buffer_;
  std::optional<WireWriter> out_;  // of the frame that was begun
  std::size_t begin_ = 0;          // of the push in it
};

}  // namespace kith::server
