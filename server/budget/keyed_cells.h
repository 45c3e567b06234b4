// KeyedCells holds one small cell for each recent key, in bounded memory, also against attackers that make up keys.
// A cell that is still in use is never evicted; a new key that finds no free cell shares the overflow cell of its
// set. A secret hash chooses the sets, so that nobody can make keys collide.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "kith/core/random.h"

namespace kith::server {

// The key of a budget: an account, an address, a pair of both.
struct BudgetKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const BudgetKey&, const BudgetKey&) = default;
};

// Makes keys and tags of ids and texts with a secret of this process.
class KeyMaker {
 public:
  explicit KeyMaker(Random& random) { random.fill(secret_.data(), sizeof secret_); }

  [[nodiscard]] BudgetKey key(std::string_view bytes) const {
    return {mix(bytes, secret_[0]), mix(bytes, secret_[1])};
  }
  [[nodiscard]] BudgetKey key(const BudgetKey& a, std::string_view b) const {
    return {a.high ^ mix(b, secret_[2]), a.low ^ mix(b, secret_[3])};
  }
  // Never 0.
  [[nodiscard]] std::uint64_t tag(std::string_view bytes) const {
    return mix(bytes, secret_[2]) | 1;
  }

 private:
  static std::uint64_t mix(std::string_view bytes, std::uint64_t secret) {
    std::uint64_t state = secret ^ bytes.size();
    while (!bytes.empty()) {
      std::uint64_t word = 0;
      const std::size_t part = std::min(bytes.size(), sizeof word);
      std::memcpy(&word, bytes.data(), part);
      bytes.remove_prefix(part);
      state = scramble((state ^ word) + 0x9e37'79b9'7f4a'7c15ULL) ^ secret;
    }
    return scramble(state);
  }
  static std::uint64_t scramble(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebULL;
    return x ^ (x >> 31);
  }

  std::array<std::uint64_t, 4> secret_{};
};

// `Rules` has, for a Cell, bool free(Cell&, now_ms): true if it may be evicted.
template <class Cell, class Rules>
class KeyedCells {
 public:
  // `max`: cells, rounded up to whole sets. Memory is taken as sets are used.
  KeyedCells(std::size_t max, Rules rules)
      : rules_(std::move(rules)), sets_(std::max<std::size_t>(1, (max + kWays - 1) / kWays)) {}

  // The cell of `key`; one that is new is as Cell() made it. Valid until the next call.
  Cell& at(const BudgetKey& key, std::int64_t now_ms) {
    std::unique_ptr<Set>& set = sets_[key.high % sets_.size()];
    if (set == nullptr) {
      set = std::make_unique<Set>();
      ++used_;
    }
    if (Cell* known = find(*set, key)) return *known;
    for (Slot& slot : set->slots) {
      if (slot.taken && !rules_.free(slot.cell, now_ms)) continue;
      slot = Slot{key, true, Cell()};
      return slot.cell;
    }
    return set->overflow;
  }
  // Returns the value of at(), without taking a cell.
  [[nodiscard]] Cell look(const BudgetKey& key, std::int64_t now_ms) {
    const std::unique_ptr<Set>& set = sets_[key.high % sets_.size()];
    if (set == nullptr) return Cell();
    if (const Cell* known = find(*set, key)) return *known;
    for (Slot& slot : set->slots) {
      if (!slot.taken || rules_.free(slot.cell, now_ms)) return Cell();
    }
    return set->overflow;
  }
  // Returns null if there is no cell for `key`.
  Cell* known(const BudgetKey& key) {
    std::unique_ptr<Set>& set = sets_[key.high % sets_.size()];
    return set == nullptr ? nullptr : find(*set, key);
  }
  [[nodiscard]] std::size_t bytes() const { return used_ * sizeof(Set); }
  [[nodiscard]] std::size_t bytes_max() const { return sets_.size() * sizeof(Set); }
  [[nodiscard]] Rules& rules() { return rules_; }

 private:
  static constexpr std::size_t kWays = 8;
  struct Slot {
    BudgetKey key;
    bool taken = false;
    Cell cell{};
  };
  struct Set {
    std::array<Slot, kWays> slots{};
    Cell overflow{};
  };

  static Cell* find(Set& set, const BudgetKey& key) {
    for (Slot& slot : set.slots) {
      if (slot.taken && slot.key == key) return &slot.cell;
    }
    return nullptr;
  }

  Rules rules_;
  std::vector<std::unique_ptr<Set>> sets_;
  std::size_t used_ = 0;
};

}  // namespace kith::server
