// People, presence, privacy, contacts and groups.
#include "guide.h"

namespace guide {

// [guide_find]
void find_person(kc::Client& client, const std::string& handle, Screen& screen) {
  client.find_users({handle}, [handle, &screen](const auto& found) {
    if (!found) return screen.say(found.error().to_string());
    if (found->empty()) return screen.say("Nobody is called " + handle + " here.");
    screen.say(found->front().display_name);
  });
}
// [/guide_find]

// [guide_presence]
// Presence arrives for watched people only: those on the screen.
void watch_people(kc::Client& client, const std::vector<kc::Conversation>& conversations) {
  std::vector<kith::UserId> people;
  for (const kc::Conversation& conversation : conversations) {
    if (conversation.type == kith::ConversationType::kDirect) people.push_back(conversation.peer);
  }
  client.watch_presence(people);
}
// [/guide_presence]

// [guide_privacy]
void hide_from_strangers(kc::Client& client, kc::Done<void> done) {
  kc::Privacy privacy = client.privacy();
  privacy.online = kc::Audience::kContacts;
  privacy.last_seen = kc::Audience::kNobody;
  privacy.receipts = false;
  client.set_privacy(privacy, std::move(done));
}
// [/guide_privacy]

// [guide_contacts]
void block(kc::Client& client, const kith::UserId& user, kc::Done<void> done) {
  client.set_contact(user, false, [](const kith::Status&) {});
  client.set_blocked(user, true, std::move(done));
}
// [/guide_contacts]

// [guide_rename]
void call_me(kc::Client& client, const std::string& name, kc::Done<void> done) {
  client.set_display_name(name, std::move(done));
}
// [/guide_rename]

// [guide_devices]
// Lists the user's devices; a user who has lost one ends its session here.
void show_devices(kc::Client& client, Screen& screen) {
  client.devices([&screen](const auto& found) {
    if (!found) return screen.say(found.error().to_string());
    for (const kc::Device& device : *found)
      screen.say(device.agent + (device.current  ? " (this one)"
                                 : device.online ? " (online)"
                                                 : ""));
  });
}

void lost_all_but_this(kc::Client& client, kc::Done<void> done) {
  client.revoke_other_devices(std::move(done));  // one of them: revoke_device(device.id, …)
}
// [/guide_devices]

// [guide_change_password]
// `keep` puts the new token where the provider finds it.
void change_password(kc::Client& client, const std::string& old_password,
                     const std::string& new_password,
                     const std::function<void(const kc::Token&)>& keep, Screen& screen) {
  client.change_password(old_password, new_password, [&screen, keep](const auto& token) {
    if (!token) return screen.say(token.error().to_string());
    keep(*token);
    screen.say("other devices are signed out");
  });
}
// [/guide_change_password]

// [guide_readers]
void show_readers(kc::Client& client, const kc::Message& message, Screen& screen) {
  client.readers(message.conversation, message.seq, [&](const auto& found) {
    if (!found) return screen.say(found.error().to_string());
    for (const kc::Reader& reader : found->members) {
      const auto who = client.profile(reader.user);
      if (reader.read && who) screen.say("read by " + who->display_name);
    }
  });
}
// [/guide_readers]

// [guide_group]
kith::Result<kith::ConversationId> plan_a_trip(kc::Client& client,
                                               const std::vector<kith::UserId>& friends) {
  auto group = client.create_group("Trip to Oxford", friends);  // works offline
  if (group) {
    auto sent = client.send(*group, "Who comes along?");  // leaves after the group is made
    if (!sent) return sent.error();
  }
  return group;
}
// [/guide_group]

// [guide_roles]
void hand_over_and_leave(kc::Client& client, const kith::ConversationId& group,
                         const kith::UserId& heir, kc::Done<void> done) {
  client.set_role(group, heir, kith::MemberRole::kOwner,
                  [&client, group, done = std::move(done)](const kith::Status& given) {
                    if (!given) return done(given.error());  // kPermissionDenied, kOffline …
                    client.leave(group, done);
                  });
}
// [/guide_roles]

}  // namespace guide
