// Acknowledgements: tells the server up to where this device holds each conversation without a gap.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "client/connection.h"
#include "client/model.h"
#include "client/sync_session.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::client {

class Acknowledgements {
 public:
  Acknowledgements(Model& model, Connection& connection, Scheduler& scheduler,
                   const SyncSession& session);

  // Acknowledges what of the conversation is here, as far as it may be, in this turn of the loop.
  void note(const ConversationId& id);
  void send();
  // The seq up to which nothing is missing, counted on from what the server knows.
  [[nodiscard]] std::uint64_t delivered(const ConversationId& id) const;

  // A session begins: nothing was sent in it.
  void on_welcome() { sent_.clear(); }
  void on_lost() { waiting_.clear(); }
  // The numbers stand for other events now.
  void forget();

 private:
  [[nodiscard]] std::uint64_t acknowledgeable(const ConversationId& id) const;

  Model& model_;
  Connection& connection_;
  Scheduler& scheduler_;
  const SyncSession& session_;
  std::map<ConversationId, std::uint64_t> sent_;  // in this session
  std::set<ConversationId> waiting_;
  bool posted_ = false;  // one frame for all that this turn of the loop commits
  Guard guard_;
};

}  // namespace kith::client
