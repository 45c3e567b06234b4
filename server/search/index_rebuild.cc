// IndexRebuild: makes a damaged search index anew.
#include "server/search/index_rebuild.h"

#include <algorithm>
#include <utility>

namespace kith::server {

namespace {

// A disk that damages the index again and again is not given more work than this.
constexpr Millis kAnewAgain{60'000};

}  // namespace

IndexRebuild::IndexRebuild(SearchIndex& index, Scheduler& scheduler,
                           std::function<void(const std::string&)> log)
    : index_(index), scheduler_(scheduler), log_(std::move(log)), timer_(scheduler, [this] {
        due_ = true;
        begin_if_due();
      }) {}

void IndexRebuild::join(Filler& filler) {
  fillers_[&filler] = false;
  if (damaged_) pause(filler);
}

void IndexRebuild::leave(Filler& filler) {
  fillers_.erase(&filler);
}

void IndexRebuild::pause(Filler& filler) {
  filler.pause(guard_.wrap([this, filler = &filler] {
    const auto known = fillers_.find(filler);
    if (known == fillers_.end()) return;
    known->second = true;
    begin_if_due();
  }));
}

void IndexRebuild::damaged(const Error& error) {
  if (damaged_) return;
  if (log_) log_("the search index is made anew: " + error.message);
  damaged_ = true;
  for (auto& [filler, stands] : fillers_) {
    stands = false;
    pause(*filler);
  }
  const std::int64_t again = begun_ms_ + kAnewAgain.count();
  const std::int64_t now = scheduler_.clock().steady_ms();
  begin_after(Millis(rebuilds_ == 0 ? 0 : std::max<std::int64_t>(0, again - now)));
}

void IndexRebuild::begin_after(Millis wait) {
  due_ = false;
  timer_.start(wait);
}

void IndexRebuild::begin_if_due() {
  const bool all_stand = std::all_of(fillers_.begin(), fillers_.end(),
                                     [](const auto& filler) { return filler.second; });
  if (!damaged_ || !due_ || beginning_ || !all_stand) return;
  beginning_ = true;
  due_ = false;
  begun_ms_ = scheduler_.clock().steady_ms();
  ++rebuilds_;
  index_.begin_anew(guard_.wrap([this](const Status& status) { begun(status); }));
}

void IndexRebuild::begun(const Status& status) {
  beginning_ = false;
  if (!status) {
    ++failures_;
    if (log_) log_("the search index cannot be made anew: " + status.error().to_string());
    return begin_after(kAnewAgain);
  }
  damaged_ = false;
  for (const auto& [filler, stands] : fillers_) filler->begin_anew();
}

void IndexRebuild::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["search_rebuilds"] = rebuilds_;
  std::uint64_t& rebuilding = all["search_rebuilding"];
  rebuilding = std::max<std::uint64_t>(rebuilding, damaged_ ? 1 : 0);
  all["search_failures"] += failures_;
}

}  // namespace kith::server
