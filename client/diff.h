// diff(): the steps that turn one list into the next, for observable views. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "kith/client/types.h"

namespace kith::client {

inline constexpr std::size_t kDiffStepsMax = 200;  // more: a reset is cheaper for everybody

// Items are the same thing if their `id` is equal. Applying the steps in order to `before` gives
// `after`.
template <class T>
std::vector<Diff<T>> diff(const std::vector<T>& before, const std::vector<T>& after) {
  using Kind = typename Diff<T>::Kind;
  std::vector<Diff<T>> steps;
  std::vector<const T*> now;
  now.reserve(before.size());
  for (const T& item : before) now.push_back(&item);
  std::set<decltype(T::id)> kept;
  std::set<decltype(T::id)> old;
  for (const T& item : after) kept.insert(item.id);
  for (std::size_t i = now.size(); i-- > 0;) {
    if (kept.count(now[i]->id)) {
      old.insert(now[i]->id);
      continue;
    }
    steps.push_back({Kind::kRemove, i, 0, {}});
    now.erase(now.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (std::size_t i = 0; i < after.size() && steps.size() <= kDiffStepsMax; ++i) {
    const T& item = after[i];
    const auto at = now.begin() + static_cast<std::ptrdiff_t>(i);
    if (!old.count(item.id)) {
      steps.push_back({Kind::kInsert, i, 0, {item}});
      now.insert(at, &item);
      continue;
    }
    if (now[i]->id != item.id) {
      const auto from =
          std::find_if(at, now.end(), [&](const T* other) { return other->id == item.id; });
      steps.push_back({Kind::kMove, i, static_cast<std::size_t>(from - now.begin()), {}});
      std::rotate(at, from, from + 1);
    }
    if (!(*now[i] == item)) steps.push_back({Kind::kUpdate, i, 0, {item}});
  }
  if (steps.size() > kDiffStepsMax) {
    steps.clear();
    steps.push_back({Kind::kReset, 0, 0, after});
  }
  return steps;
}

}  // namespace kith::client
