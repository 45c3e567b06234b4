// IndexRebuild: makes a damaged search index anew.
//
// Several feeders fill one index, each from its partition. A batch that was made before the index began anew,
// and is added behind it, would leave a mark above messages that are not there. So all of them stand still
// before the index is emptied, and begin anew with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "kith/core/scheduler.h"
#include "kith/server/ports/search_index.h"
#include "src/guard.h"
#include "src/timer.h"

namespace kith::server {

class IndexRebuild {
 public:
  // Fills the index. Its calls may come inside those of IndexRebuild.
  class Filler {
   public:
    virtual ~Filler() = default;
    // Begins nothing more on the index until begin_anew(), and calls `stands` when nothing is on its way.
    virtual void pause(std::function<void()> stands) = 0;
    // The index is empty.
    virtual void begin_anew() = 0;
  };

  // `index` and `scheduler` outlive it. `log` may be null.
  IndexRebuild(SearchIndex& index, Scheduler& scheduler,
               std::function<void(const std::string&)> log = nullptr);

  void join(Filler& filler);
  void leave(Filler& filler);
  // A feeder or a search has met damage: the index is made anew, at most once a minute.
  void damaged(const Error& error);
  // Adds "search_rebuilds", and to "search_rebuilding" and "search_failures".
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  void pause(Filler& filler);
  void begin_after(Millis wait);
  void begin_if_due();
  void begun(const Status& status);

  SearchIndex& index_;
  Scheduler& scheduler_;
  const std::function<void(const std::string&)> log_;
  std::map<Filler*, bool> fillers_;  // whether they stand still
  bool damaged_ = false;             // the index is, and has not begun anew yet
  bool due_ = false;
  bool beginning_ = false;
  Timer timer_;
  std::int64_t begun_ms_ = 0;  // with rebuilds_ > 0
  std::uint64_t rebuilds_ = 0;
  std::uint64_t failures_ = 0;
  Guard guard_;
};

}  // namespace kith::server
