// Any bytes as a frame in either direction: no crash, bounded, and what is read is written back as
// it was understood.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/request_view.h"
#include "tests/unit/core/request_equality.h"

namespace {

// Re-encoding is stable: the second pass changes nothing (a forwarded frame is not worn down hop by
// hop).
template <class Decode>
void check(std::string_view bytes, Decode decode) {
  const auto frame = decode(bytes);
  if (!frame) {
    if (frame.error().message.empty()) std::abort();
    return;
  }
  const auto once = kith::encode(*frame);
  if (!once) return;  // normal form may be longer than a frame
  const auto again = decode(*once);
  if (!again || *kith::encode(*again) != *once) std::abort();
}

// The parser by hand reads the same as the generated code, and obeys the same rules.
void check_view(std::string_view bytes) {
  kith::RequestView view;
  if (view.read(bytes)) {
    const auto frame = kith::decode_client_frame(bytes);
    if (!frame || !kith::test::same(view, *frame)) std::abort();
    if (kith::validate(view).ok() != kith::validate(*frame).ok()) std::abort();
  }
  kith::v1::Content content;
  if (kith::is_plain_content(bytes) &&
      !content.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  check(input, kith::decode_client_frame);
  check(input, kith::decode_server_frame);
  check_view(input);
  if (const auto request = kith::decode_client_frame(input)) {
    const kith::Status valid = kith::validate(*request);
    if (!valid) (void)kith::to_wire(valid.error()).SerializeAsString();
    // A frame that passes stays within the limits that the services rely on.
    if (valid && request->has_send()) {
      const auto& items = request->send().items();
      if (items.size() > static_cast<int>(kith::limits::batch_items_max)) std::abort();
      for (const auto& item : items) {
        if (!kith::message_id(item.message_id())) std::abort();
        if (item.content().size() > kith::limits::body_bytes_max) std::abort();
      }
    }
  }
  if (const auto reply = kith::decode_server_frame(input)) {
    if (reply->has_error()) (void)kith::from_wire(reply->error()).to_string();
  }
  return 0;
}
