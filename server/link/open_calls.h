// OpenCalls: callbacks that wait for an answer of the other side of a link, by the numbers under which it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kith::server {

template <class Callback>
class OpenCalls {
 public:
  // Returns the number of the call; never 0.
  std::uint64_t add(Callback callback) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.callback.emplace(std::move(callback));
    return (std::uint64_t{++slot.uses} << 32) | index;
  }
  // The callback of an open call; null if it was taken before.
  [[nodiscard]] Callback* find(std::uint64_t number) {
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= slots_.size() || slots_[index].uses != number >> 32) return nullptr;
    return slots_[index].callback ? &*slots_[index].callback : nullptr;
  }
  std::optional<Callback> take(std::uint64_t number) {
    Callback* found = find(number);
    if (found == nullptr) return std::nullopt;
    std::optional<Callback> taken(std::move(*found));
    free(static_cast<std::uint32_t>(number));
    return taken;
  }
  // In no order.
  std::vector<Callback> take_all() {
    std::vector<Callback> all;
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].callback) continue;
      all.push_back(std::move(*slots_[i].callback));
      free(i);
    }
    return all;
  }

 private:
  struct Slot {
    std::uint32_t uses = 0;
    std::optional<Callback> callback;
  };
  void free(std::uint32_t index) {
    slots_[index].callback.reset();
    free_.push_back(index);
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace kith::server
