// OwnSettings: from the wire to the cache, and the requests that change them.
#include "client/own_settings.h"

#include <utility>

#include "client/wire_ids.h"

namespace kith::client {
namespace {

Audience audience_of(v1::Audience wire) {
  return wire == v1::AUDIENCE_UNSPECIFIED ? Audience::kEveryone : static_cast<Audience>(wire);
}

char digit(Audience audience) {
  return static_cast<char>('0' + static_cast<int>(audience));
}

// As the cache keeps them; an earlier release knew three.
std::string kept(const Privacy& p) {
  return {digit(p.online), digit(p.last_seen), p.receipts ? '1' : '0', digit(p.group_adds),
          digit(p.first_messages)};
}
Privacy privacy_of(const std::string& kept) {
  Privacy p;
  if (kept.size() < 3) return p;
  const auto audience = [&](std::size_t at) { return static_cast<Audience>(kept[at] - '0'); };
  p.online = audience(0);
  p.last_seen = audience(1);
  p.receipts = kept[2] == '1';
  if (kept.size() < 5) return p;
  p.group_adds = audience(3);
  p.first_messages = audience(4);
  return p;
}

}  // namespace

OwnSettings::OwnSettings(Model& model, OnlineRequests& requests, std::string handle,
                         std::function<bool()> history_known, std::function<void(Event)> emit)
    : model_(model),
      requests_(requests),
      handle_(std::move(handle)),
      history_known_(std::move(history_known)),
      emit_(std::move(emit)) {}

void OwnSettings::load(const std::map<std::string, std::string>& kv) {
  const auto value = [&kv](const char* key) {
    const auto it = kv.find(key);
    return it == kv.end() ? std::string() : it->second;
  };
  privacy_ = privacy_of(value("privacy"));
  contacts_ = users_of(value("contacts"));
  blocked_ = users_of(value("blocked"));
}

Status OwnSettings::on_user_state(const v1::UserState& state) {
  const v1::Settings& s = state.settings();
  std::vector<UserId> contacts, blocked;
  for (const std::string& user : state.contacts()) contacts.push_back(id_of<UserId>(user));
  for (const std::string& user : state.blocked()) blocked.push_back(id_of<UserId>(user));
  if (state.has_profile()) {
    const v1::UserProfile& me = state.profile();
    if (Status kept = model_.put_profiles({{model_.self(), me.handle(), me.display_name()}}); !kept)
      return kept;
  }
  return keep({audience_of(s.online()), audience_of(s.last_seen()), !s.receipts_off(),
               audience_of(s.group_adds()), audience_of(s.first_messages())},
              std::move(contacts), std::move(blocked));
}

Status OwnSettings::keep(const Privacy& privacy, std::vector<UserId> contacts,
                         std::vector<UserId> blocked) {
  if (privacy == privacy_ && contacts == contacts_ && blocked == blocked_) return {};
  CacheChange change;
  change.kv["privacy"] = kept(privacy);
  change.kv["contacts"] = bytes_of(contacts);
  change.kv["blocked"] = bytes_of(blocked);
  if (Status s = model_.store().commit(change); !s) return s;
  privacy_ = privacy;
  contacts_ = std::move(contacts);
  blocked_ = std::move(blocked);
  emit_(SettingsChanged{privacy});
  return {};
}

// The next sync repeats what has changed. Until one has said whose history the device holds nothing is kept: it would
// come back under the name of a run that does not have the change.
void OwnSettings::set_privacy(const Privacy& privacy, Done<void> done) {
  v1::ClientFrame frame;
  v1::Settings& settings = *frame.mutable_update_settings()->mutable_settings();
  settings.set_online(static_cast<v1::Audience>(privacy.online));
  settings.set_last_seen(static_cast<v1::Audience>(privacy.last_seen));
  settings.set_receipts_off(!privacy.receipts);
  settings.set_group_adds(static_cast<v1::Audience>(privacy.group_adds));
  settings.set_first_messages(static_cast<v1::Audience>(privacy.first_messages));
  requests_.change(frame, [this, privacy, done = std::move(done)](Status s) {
    if (s && history_known_()) (void)keep(privacy, contacts_, blocked_);
    done(std::move(s));
  });
}

void OwnSettings::set_display_name(const std::string& name, Done<void> done) {
  v1::ClientFrame frame;
  frame.mutable_update_profile()->set_display_name(name);
  requests_.change(frame, [this, name, done = std::move(done)](Status s) {
    if (s && history_known_()) (void)model_.put_profiles({{model_.self(), handle_, name}});
    done(std::move(s));
  });
}

void OwnSettings::set_contact(const UserId& user, bool contact, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateContacts& update = *frame.mutable_update_contacts();
  (contact ? update.add_add(user.bytes()) : update.add_remove(user.bytes()));
  requests_.change(frame, std::move(done));
}

void OwnSettings::set_blocked(const UserId& user, bool blocked, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateContacts& update = *frame.mutable_update_contacts();
  (blocked ? update.add_block(user.bytes()) : update.add_unblock(user.bytes()));
  requests_.change(frame, std::move(done));
}

}  // namespace kith::client
