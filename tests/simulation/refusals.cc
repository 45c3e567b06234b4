// Refusals: of a whole request, or of single messages of it.
#include "tests/simulation/refusals.h"

#include "src/error.h"

namespace kith::sim {
namespace {

bool for_good(const v1::Error& error) {
  return from_wire(error).retry() == Retry::kNever;
}

}  // namespace

void Refusals::asks(std::size_t device, const v1::ClientFrame& frame) {
  if (!frame.has_send()) return;
  std::vector<MessageId>& sent = requests_[{device, frame.req_id()}];
  sent.clear();
  for (const auto& item : frame.send().items()) {
    sent.push_back(MessageId::from_bytes(item.message_id()).value());
  }
}

void Refusals::server_says(std::size_t device, const v1::ServerFrame& frame) {
  const auto asked = requests_.find({device, frame.reply_to()});
  if (asked == requests_.end()) return;
  if (frame.has_error() && for_good(frame.error())) {
    for (const MessageId& id : asked->second) refused_.insert({device, id});
  }
  for (const auto& item : frame.send_result().items()) {
    if (item.has_error() && for_good(item.error())) {
      refused_.insert({device, MessageId::from_bytes(item.message_id()).value()});
    }
  }
  requests_.erase(asked);
}

}  // namespace kith::sim
