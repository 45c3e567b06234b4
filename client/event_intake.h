// EventIntake: brings events into the cache, each conversation in its order, and holds back what stands above a hole.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/acknowledgements.h"
#include "client/held_events.h"
#include "client/model.h"
#include "client/sync_session.h"

namespace kith::client {

class EventIntake {
 public:
  struct Hooks {
    std::function<void(const std::vector<MessageId>&)> own_placed;  // the outbox may forget these
    std::function<void(Millis delay)> sync_soon;
  };
  EventIntake(Model& model, HeldEvents& held, Acknowledgements& acks, MissingEvents& missing,
              Hooks hooks);

  // Events that this device knows to be placed. Applied at once if nothing is missing below them.
  void offer(const std::vector<v1::Event>& events, bool live);
  // Events of one conversation that were asked for; nothing below `floor` is readable.
  void apply(const ConversationId& id, const std::vector<v1::Event>& events, std::uint64_t floor,
             bool live);

 private:
  void hold(const ConversationId& id, const v1::Event& event, bool live);

  Model& model_;
  HeldEvents& held_;
  Acknowledgements& acks_;
  MissingEvents& missing_;
  const Hooks hooks_;
};

}  // namespace kith::client
