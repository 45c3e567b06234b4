// Told: the frames that the server has sent to a person's devices, without the parts in which any two
// runs may differ: random ids are numbered in the order of their appearance, positions of the log are
// ranked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kith/v1/frame.pb.h"

namespace kith::sim {

class Told {
 public:
  void add(std::int64_t at, std::size_t device, std::string_view bytes);
  // A random id: of a message, a conversation or a device.
  void random_id(std::string_view id) { random_ids_.emplace(id); }

  struct Line {
    std::int64_t at = 0;
    std::size_t device = 0;
    std::string bytes;
    std::string shown;
  };
  // In order, with everything that is known now taken out.
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  // Numbers of one kind are comparable: versions of feeds, places of a search, states of one conversation.
  using Each = std::function<void(const std::string& kind, std::uint64_t&)>;
  static void positions_of(v1::ServerFrame& frame, const Each& each);
  [[nodiscard]] std::string without_chance(std::string bytes,
                                           std::map<std::string, std::uint64_t>& numbers) const;

  struct Heard {
    std::int64_t at = 0;
    std::size_t device = 0;
    v1::ServerFrame frame;
  };
  std::vector<Heard> heard_;
  std::set<std::string, std::less<>> random_ids_;
};

}  // namespace kith::sim
