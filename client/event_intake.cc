// EventIntake: runs of events into one commit each, holes into the list of what is missing.
#include "client/event_intake.h"

#include <utility>

#include "client/fetch_rests.h"
#include "client/wire_ids.h"
#include "src/frame_codec.h"

namespace kith::client {

EventIntake::EventIntake(Model& model, HeldEvents& held, Acknowledgements& acks,
                         MissingEvents& missing, Hooks hooks)
    : model_(model), held_(held), acks_(acks), missing_(missing), hooks_(std::move(hooks)) {}

void EventIntake::offer(const std::vector<v1::Event>& events, bool live) {
  std::vector<v1::Event> run;  // of one conversation, each the next: one commit
  const auto commit_run = [&] {
    if (run.empty()) return;
    const std::vector<v1::Event> ready = std::exchange(run, {});
    apply(*conversation_id(ready.front().conversation_id()), ready, 0, live);
  };
  for (const v1::Event& event : events) {
    if (!run.empty() && event.conversation_id() == run.back().conversation_id() &&
        event.seq() == run.back().seq() + 1) {
      run.push_back(event);
      continue;
    }
    commit_run();
    const auto id = conversation_id(event.conversation_id());
    if (!id || event.seq() == 0) continue;
    if (!model_.find(*id)) hooks_.sync_soon(Millis{0});  // its state comes with the feed
    if (model_.ranges(*id).has(event.seq())) continue;
    // At the top, or in a hole that stays open until somebody looks: nobody would come for it
    // there.
    if (event.seq() <= model_.top(*id) + 1) {
      run.push_back(event);
    } else {
      hold(*id, event, live);
    }
  }
  commit_run();
}

void EventIntake::hold(const ConversationId& id, const v1::Event& event, bool live) {
  // The state of an unknown one comes with the feed, and the event is fetched.
  if (!held_.has_room(event) && !model_.find(id)) return;
  held_.hold(id, event, live);
  missing_.behind.insert(id);
  if (event.seq() > model_.top(id)) (void)model_.raise_head(id, event.seq(), event.ordinal());
}

void EventIntake::apply(const ConversationId& id, const std::vector<v1::Event>& events,
                        std::uint64_t floor, bool live) {
  std::vector<MessageId> placed;
  missing_.holed.insert(id);
  if (Status s = model_.apply_events(id, events, floor, live, &placed); !s) {
    missing_.behind.insert(id);
    hooks_.sync_soon(kAskAgain);
    return;
  }
  if (!placed.empty()) hooks_.own_placed(placed);
  acks_.note(id);
  const HeldEvents::Ready ready = held_.take(id, model_.top(id));
  if (!ready.events.empty()) apply(id, ready.events, 0, ready.live);
}

}  // namespace kith::client
