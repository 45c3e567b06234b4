// RangeFill: fetches a stretch of one conversation that somebody wants to see.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/connection.h"
#include "client/event_intake.h"
#include "client/model.h"
#include "client/sync_session.h"

namespace kith::client {

class RangeFill {
 public:
  RangeFill(Model& model, Connection& connection, EventIntake& intake, const SyncSession& session)
      : model_(model), connection_(connection), intake_(intake), session_(session) {}

  // Fetches what is missing in [from, to]; `done` is called when it is there or cannot be had now.
  void fill(const ConversationId& id, std::uint64_t from, std::uint64_t to,
            std::function<void()> done);
  // Goes on with what waited for the history to be known, or for a session.
  void run_waiting();

 private:
  Model& model_;
  Connection& connection_;
  EventIntake& intake_;
  const SyncSession& session_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace kith::client
