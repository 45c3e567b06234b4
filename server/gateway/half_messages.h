// HalfMessages counts the incomplete messages of connections. Their bytes together have a bound, above which the
// connection that began first is closed. A message sent in one go is complete within milliseconds; thousands of
// connections that stop in the middle would hold a frame each. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "kith/core/limits.h"

namespace kith::server {

class HalfMessages {
 public:
  static constexpr std::size_t kSmall = limits::half_message_small;
  static constexpr std::size_t kMax = limits::half_messages;

  explicit HalfMessages(std::size_t max = kMax) : max_(max) {}

  // `place` holds `bytes` now. Returns the place that must be closed, which is then forgotten.
  std::optional<std::uint32_t> note(std::uint32_t place, std::size_t bytes) {
    if (bytes <= kSmall) {
      if (!begun_.empty()) drop(place);
      return std::nullopt;
    }
    const auto [known, fresh] = begun_.try_emplace(place);
    Begun& begun = known->second;
    if (fresh) begun.at = order_.insert(order_.end(), place);
    all_ += bytes - begun.bytes;
    begun.bytes = bytes;
    if (all_ <= max_ || order_.size() == 1) return std::nullopt;
    const std::uint32_t oldest = order_.front();
    drop(oldest);
    return oldest;
  }
  void drop(std::uint32_t place) {
    const auto known = begun_.find(place);
    if (known == begun_.end()) return;
    all_ -= known->second.bytes;
    order_.erase(known->second.at);
    begun_.erase(known);
  }
  [[nodiscard]] std::size_t bytes() const { return all_; }

 private:
  struct Begun {
    std::size_t bytes = 0;
    std::list<std::uint32_t>::iterator at;
  };

  std::size_t max_;
  std::size_t all_ = 0;
  std::list<std::uint32_t> order_;  // as they began
  std::unordered_map<std::uint32_t, Begun> begun_;
};

}  // namespace kith::server
