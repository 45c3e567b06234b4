// The event stream of a client.
#include "guide.h"

namespace guide {

// [guide_events]
std::unique_ptr<kc::Subscription> watch_events(kc::Client& client, Screen& screen) {
  return client.on_event([&client, &screen](const kc::Event& event) {
    if (const auto* state = std::get_if<kc::ConnectionChanged>(&event)) {
      const bool why = state->reason.code != kith::ErrorCode::kCancelled;
      screen.connection(state->state, why ? state->reason.to_string() : "");
    } else if (const auto* changed = std::get_if<kc::MessageChanged>(&event)) {
      const kc::Message& message = changed->message;
      const bool text = message.kind == kith::MessageKind::kText;  // not "Bob was added"
      if (changed->live && changed->is_new && text && !message.mine) screen.notify(message);
    } else if (const auto* typing = std::get_if<kc::TypingChanged>(&event)) {
      screen.typing(typing->user, typing->typing);
    } else if (const auto* presence = std::get_if<kc::PresenceChanged>(&event)) {
      screen.presence(presence->user, presence->presence, presence->last_seen);
    } else if (std::holds_alternative<kc::SettingsChanged>(event)) {
      screen.settings(client.privacy(), client.blocked());
    } else if (const auto* recovered = std::get_if<kc::CacheRecovered>(&event)) {
      screen.say("History is loaded again from the server: " + recovered->detail);
    } else if (const auto* storage = std::get_if<kc::StorageChanged>(&event)) {
      if (!storage->working) screen.say("Nothing new can be kept here: " + storage->reason.message);
    }  // ConversationChanged: the views below have it
  });
}
// [/guide_events]

}  // namespace guide
