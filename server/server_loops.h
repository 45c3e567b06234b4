// ServerLoops: the loops of a server. The first carries sessions, people and search; of several, the others own the
// partitions of conversations.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/dispatch/loop_partition.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

class ServerLoops {
 public:
  void start(std::uint32_t count) {
    first_.start();
    for (std::uint32_t i = 1; i < count; ++i) {
      others_.push_back(std::make_unique<LoopUv>());
      others_.back()->start();
    }
  }
  // Ends the loops that own partitions. Not on one of them.
  void stop_others() {
    for (const auto& loop : others_) loop->stop();
  }

  [[nodiscard]] LoopUv& first() { return first_; }
  // The loop that owns the partition.
  [[nodiscard]] LoopUv& of(std::uint32_t partition) {
    return others_.empty() ? first_ : *others_[partition % others_.size()];
  }
  // The same; nothing if it is the first.
  [[nodiscard]] std::optional<SideLoop> side(std::uint32_t partition) {
    if (others_.empty()) return std::nullopt;
    LoopUv& loop = of(partition);
    return SideLoop{loop, loop.soon(), first_.soon(),
                    [&loop](const std::function<void()>& task) { loop.run_sync(task); }};
  }

 private:
  LoopUv first_;
  std::vector<std::unique_ptr<LoopUv>> others_;
};

}  // namespace kith::server
