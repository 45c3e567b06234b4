// SearchAll: when everything has settled, every device searches for a word, page by page to the end.
#include "tests/simulation/search_all.h"

#include <utility>

namespace kith::sim {

SearchAll::SearchAll(World& world, std::string word) : world_(world), word_(std::move(word)) {
  for (auto& device : world_.devices()) {
    if (device->engine() == nullptr || world_.truth().gone(device->who().user)) continue;
    ++running_;
    next_page(std::make_shared<Reading>(Reading{*device, {}}), "");
  }
}

void SearchAll::next_page(const std::shared_ptr<Reading>& reading, const std::string& after) {
  world_.search(reading->device, word_, after,
                [this, reading, after](const Result<client::SearchPage>& page) {
                  const bool whole = page && page->complete;
                  if (!whole) {  // the server was too busy, or the device has just lost it
                    return world_.at(world_.now() + 1'000,
                                     [this, reading, after] { next_page(reading, after); });
                  }
                  for (const auto& hit : page->hits) reading->found.push_back(hit.message);
                  if (!page->next.empty()) return next_page(reading, page->next);
                  --running_;
                  world_.found_all(reading->device, word_, reading->found);
                });
}

}  // namespace kith::sim
