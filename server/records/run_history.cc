// RunHistory: the runs of the server that have written this history.
#include "server/records/run_history.h"

#include <algorithm>

#include "server/records/feed_versions.h"

namespace kith::server {

RunHistory::Verdict RunHistory::judge(std::string_view run, FeedVersion cursor) const {
  if (run.empty()) return {};  // it holds nothing of any run
  const auto known =
      std::find_if(runs_.begin(), runs_.end(), [run](const Run& r) { return r.id == run; });
  if (known == runs_.end()) return {false, 0};
  const auto next = known + 1;
  // A cursor of this run beyond the log is checked when it syncs.
  if (next == runs_.end() || (!next->copied && FeedVersions::records(cursor) < next->first))
    return {};
  return {false, next->kept_until_ms};
}

}  // namespace kith::server
