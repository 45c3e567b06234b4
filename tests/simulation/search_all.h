// SearchAll: when everything has settled, every device searches for a word, page by page to the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace kith::sim {

class SearchAll {
 public:
  // Begins; the world must outlive it.
  SearchAll(World& world, std::string word);
  [[nodiscard]] bool done() const { return running_ == 0; }

 private:
  struct Reading {
    Device& device;
    std::vector<client::Message> found;
  };
  void next_page(const std::shared_ptr<Reading>& reading, const std::string& after);

  World& world_;
  const std::string word_;
  std::size_t running_ = 0;
};

}  // namespace kith::sim
