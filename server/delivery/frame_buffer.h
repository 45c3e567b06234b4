// FrameBuffer: the memory of one frame after the other. A frame is shared by all who send it; when nobody holds it any
// more, which is mostly at once, its memory is used again.
#pragma once

#include <memory>
#include <string>

namespace kith::server {

class FrameBuffer {
 public:
  // Empty, for the next frame.
  std::string& begin() {
    if (bytes_ && bytes_.use_count() == 1 && bytes_->capacity() <= kKept) {
      // The last other may have let go elsewhere: letting go of a share sees what was done before.
      std::shared_ptr<const std::string>(bytes_).reset();
      bytes_->clear();
    } else {
      bytes_ = std::make_shared<std::string>();
    }
    return *bytes_;
  }
  // Returns the finished frame, which does not change from now on.
  [[nodiscard]] std::shared_ptr<const std::string> share() const { return bytes_; }

 private:
  static constexpr std::size_t kKept = 4 * 1024;

  std::shared_ptr<std::string> bytes_;
};

}  // namespace kith::server
