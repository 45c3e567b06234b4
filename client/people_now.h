// PeopleNow: which other people are there, and which are writing right now; nothing of it is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "kith/client/types.h"
#include "kith/core/scheduler.h"
#include "src/timer.h"

namespace kith::client {

class PeopleNow {
 public:
  PeopleNow(Connection& connection, Scheduler& scheduler, std::function<void(Event)> emit);

  // See Client for these two.
  void watch(const std::vector<UserId>& users);
  void set_typing(const ConversationId& id, bool typing);

  // The server takes `most` people to watch.
  void on_welcome(std::size_t most);
  void on_lost();
  void on_push(const v1::ServerFrame& frame);
  // The message is there: its sender no longer writes it.
  void on_message(const ConversationId& id, const UserId& sender) {
    on_typing(id, sender, false, Millis{0});
  }

 private:
  void on_typing(const ConversationId& id, const UserId& user, bool typing, Millis ttl);

  Connection& connection_;
  Scheduler& scheduler_;
  const std::function<void(Event)> emit_;
  std::size_t most_;
  std::set<UserId> watched_;
  std::map<ConversationId, std::int64_t> typing_sent_;         // steady clock
  std::map<std::pair<ConversationId, UserId>, Timer> typing_;  // until it is no longer believed
};

}  // namespace kith::client
