// Partners: the pairs of users in a run that spreads over more 1:1 conversations than it has pairs.
// Pure; kith-bench and kith-fill share it.
#pragma once

#include <cstdint>

namespace kith::bench {

// In `pairs` pairs, the even users send and the odd ones receive. Conversation c belongs to sender
// c % pairs; the first `pairs` conversations are the pairs themselves.
class Partners {
 public:
  Partners(std::uint32_t pairs, std::uint32_t conversations)
      : pairs_(pairs), conversations_(conversations) {}

  // Every sender can talk to every receiver, once.
  [[nodiscard]] static std::uint64_t most(std::uint32_t pairs) {
    return std::uint64_t{pairs} * pairs;
  }
  [[nodiscard]] std::uint32_t sender_of(std::uint32_t c) const { return 2 * (c % pairs_); }
  [[nodiscard]] std::uint32_t receiver_of(std::uint32_t c) const {
    return 2 * ((c % pairs_ + c / pairs_) % pairs_) + 1;
  }
  // The conversation that the sender of `c` turns to after it.
  [[nodiscard]] std::uint32_t after(std::uint32_t c) const {
    return c + pairs_ < conversations_ ? c + pairs_ : c % pairs_;
  }

 private:
  std::uint32_t pairs_;
  std::uint32_t conversations_;
};

}  // namespace kith::bench
