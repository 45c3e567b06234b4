// HeadFetches: fetches what conversations lack up to the newest event that is known of them, a few at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "client/connection.h"
#include "client/event_intake.h"
#include "client/fetch_pace.h"
#include "client/fetch_rests.h"
#include "client/model.h"
#include "client/sync_session.h"
#include "src/timer.h"

namespace kith::client {

class HeadFetches {
 public:
  // The surroundings that all that fetch have in common.
  struct Parts {
    Model& model;
    Connection& connection;
    EventIntake& intake;
    MissingEvents& missing;
    FetchPace& pace;
    FetchRests& rests;
  };
  // `progress` is called when a fetch has ended, or is late.
  HeadFetches(const Parts& parts, Scheduler& scheduler, const SyncSession& session,
              std::function<void()> progress);

  void fetch(const ConversationId& id);
  // All that is behind.
  void fetch_missing();
  // Goes on as far as there is room.
  void run();
  // Nothing waits, and no answer is expected soon.
  [[nodiscard]] bool idle() const;
  void forget() { waiting_.clear(); }

 private:
  // Fetches whose answers are still expected soon.
  [[nodiscard]] std::size_t in_time() const;
  void ask(const ConversationId& id, std::uint64_t top, std::uint64_t last);
  void on_answer(const ConversationId& id, const v1::ServerFrame* frame, const Error& error);
  void on_page(const ConversationId& id, const v1::ServerFrame& frame);

  const Parts parts_;
  Clock& clock_;
  const SyncSession& session_;
  const std::function<void()> progress_;
  std::set<ConversationId> waiting_;
  std::map<ConversationId, std::int64_t> asked_;  // since when
  Timer slow_;
};

}  // namespace kith::client
