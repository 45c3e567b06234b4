// Refusals: the messages that the server has rejected for good, by the device that got the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "kith/core/ids.h"
#include "kith/v1/frame.pb.h"

namespace kith::sim {

class Refusals {
 public:
  void asks(std::size_t device, const v1::ClientFrame& frame);
  void server_says(std::size_t device, const v1::ServerFrame& frame);
  [[nodiscard]] bool contains(std::size_t device, const MessageId& id) const {
    return refused_.contains({device, id});
  }

 private:
  // The messages that a request of a device sends.
  std::map<std::pair<std::size_t, std::uint64_t>, std::vector<MessageId>> requests_;
  std::set<std::pair<std::size_t, MessageId>> refused_;
};

}  // namespace kith::sim
