// The text by which a message is found.
#include "server/search/message_text.h"

#include <utility>

#include "kith/v1/send.pb.h"

namespace kith::server {

std::string message_text(const Event& event) {
  v1::Content content;
  if (event.kind != EventKind::kMessage || !content.ParseFromString(event.body)) return {};
  return std::move(*content.mutable_plain()->mutable_text());
}

}  // namespace kith::server
