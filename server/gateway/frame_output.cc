// FrameOutput: heads of frames, pieces for the socket, and reports to the sender.
#include "server/gateway/frame_output.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr std::size_t kKeptCapacity = 512;  // a larger buffer goes back to the heap when empty

}  // namespace

std::size_t frame_bytes(std::size_t size) {
  return size + (size < 126 ? 2 : size < 0x1'0000 ? 4 : 10);
}

void FrameOutput::add(unsigned char first, std::string_view payload) {
  const std::size_t size = payload.size();
  out_.push_back(static_cast<char>(first));
  if (size < 126) {
    out_.push_back(static_cast<char>(size));
  } else if (size < 0x1'0000) {
    out_.push_back(static_cast<char>(126));
    out_.push_back(static_cast<char>(size >> 8));
    out_.push_back(static_cast<char>(size));
  } else {
    out_.push_back(static_cast<char>(127));
    for (int shift = 56; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(size >> shift));
  }
  out_.append(payload);
  note_behind();
}

void FrameOutput::add_raw(std::string_view bytes) {
  out_.append(bytes);
  note_behind();
}

// From here on the sender may hold back until on_drained(), also if the kernel takes all at once.
void FrameOutput::note_behind() {
  if (waiting() >= limits::write_ahead_bytes) behind_ = true;
}

void FrameOutput::clear() {
  std::string().swap(out_);
  at_ = 0;
}

FrameOutput::Flushed FrameOutput::flush(SocketPipe& pipe) {
  Flushed flushed;
  while (at_ < out_.size()) {
    const std::size_t size = std::min(kWriteBytes, out_.size() - at_);
    const std::ptrdiff_t taken = pipe.write({out_.data() + at_, size});
    if (taken == 0) break;
    if (taken < 0) {
      flushed.alive = false;
      return flushed;
    }
    at_ += static_cast<std::size_t>(taken);
    flushed.taken += static_cast<std::size_t>(taken);
  }
  if (at_ >= out_.size()) {
    if (out_.capacity() > kKeptCapacity) {
      std::string().swap(out_);
    } else {
      out_.clear();
    }
    at_ = 0;
  } else if (at_ > limits::send_queue_hard_bytes) {
    out_.erase(0, at_);
    at_ = 0;
  }
  if (!empty()) {
    behind_ = true;
    pipe.ask_writable();
  } else {
    flushed.drained = std::exchange(behind_, false);
  }
  return flushed;
}

}  // namespace kith::server
