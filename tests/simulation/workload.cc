// Workload: one action at a time.
#include "tests/simulation/workload.h"

#include <string>

namespace kith::sim {
namespace {

constexpr auto kIgnore = [](const auto&) {};

}  // namespace

void Workload::plan(int actions, std::int64_t until) {
  const std::int64_t from = world_.now();
  for (int i = 0; i < actions; ++i) {
    world_.at(from + random_.between(0, until - from), [this] { act(); });
  }
}

void Workload::act() {
  Device& device = *world_.devices()[random_.below(world_.devices().size())];
  if (device.engine() == nullptr || device.dying()) return;
  const std::uint64_t dice = random_.below(100);
  if (dice < 50) {
    talk(device);
  } else if (dice < 65) {
    look(device);
  } else if (dice < 80) {
    change_group(device);
  } else if (dice < 92) {
    change_self(device);
  } else {
    move(device);
  }
}

ConversationId Workload::any_conversation(Device& device) {
  const auto& known = device.engine()->model().conversations();
  if (known.empty() || random_.chance(0.15)) {
    const UserId peer = any_user();
    if (peer != device.who().user) return device.engine()->outgoing().direct(peer);
  }
  if (known.empty()) return {};
  auto it = known.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(random_.below(known.size())));
  return it->first;
}

ConversationId Workload::any_group(Device& device) {
  std::vector<ConversationId> groups;
  for (const auto& [id, record] : device.engine()->model().conversations()) {
    if (record.type == ConversationType::kGroup) groups.push_back(id);
  }
  return groups.empty() ? ConversationId() : groups[random_.below(groups.size())];
}

std::vector<UserId> Workload::some_users() {
  std::vector<UserId> users;
  const std::uint64_t count = random_.between(1, 3);
  for (std::uint64_t i = 0; i < count; ++i) users.push_back(any_user());
  if (random_.chance(0.05)) users.push_back(UserId::of("somebody who does not exist"));
  return users;
}

MessageId Workload::any_message(Device& device, const ConversationId& id) {
  const auto shown = device.engine()->history().timeline(id, 5);
  if (shown.empty()) return {};
  const client::Message& any = shown[random_.below(shown.size())];
  return any.kind == MessageKind::kGap ? MessageId() : any.id;
}

void Workload::talk(Device& device) {
  const ConversationId to = any_conversation(device);
  if (to.empty()) return;
  const int count = random_.chance(0.1) ? static_cast<int>(random_.between(5, 20)) : 1;
  MessageId last;
  for (int i = 0; i < count && !device.dying(); ++i) {
    MessageId answers;
    if (random_.chance(0.2)) answers = last.empty() ? any_message(device, to) : last;
    const std::string text = "words " + std::to_string(++words_) + " of " + device.who().name;
    if (const auto id = world_.send(device, to, text, answers)) last = *id;
  }
}

void Workload::look(Device& device) {
  client::Engine& engine = *device.engine();
  const ConversationId id = any_conversation(device);
  if (id.empty()) return;
  switch (random_.below(7)) {
    case 6:
      return search(device);
    case 0:
      engine.history().page(id, Seq(random_.below(30)), 20, kIgnore);
      break;
    case 1:
      engine.people().set_typing(id, random_.chance(0.7));
      break;
    case 2:
      engine.people().watch(some_users());
      break;
    default: {
      const client::ConversationRecord* record = engine.model().find(id);
      const std::uint64_t upto = record == nullptr ? 0 : record->last_seq;
      (void)engine.read_marks().mark(id,
                                     random_.chance(0.7) ? Seq() : Seq(random_.below(upto + 2)));
    }
  }
}

void Workload::search(Device& device) {
  const std::string word =
      random_.chance(0.5)
          ? "words"
          : "words " + std::to_string(1 + random_.below(static_cast<std::uint64_t>(words_) + 1));
  world_.search(device, word, "", kIgnore);
}

void Workload::change_group(Device& device) {
  client::Engine& engine = *device.engine();
  const ConversationId group = any_group(device);
  if (group.empty() || random_.chance(0.2)) {
    const auto made =
        engine.outgoing().create_group("group " + std::to_string(++words_), some_users());
    if (made) world_.trace().line(device.who().name, "creates " + made->to_string());
    return;
  }
  switch (random_.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return engine.groups().change_members(group, client::MemberChangeOf::kAdd, some_users(),
                                            MemberRole::kMember, kIgnore);
    case 4:
    case 5:
    case 6:
      return engine.groups().change_members(group, client::MemberChangeOf::kRemove, {any_user()},
                                            MemberRole::kNone, kIgnore);
    case 7:
      return engine.groups().change_members(group, client::MemberChangeOf::kLeave, {},
                                            MemberRole::kNone, kIgnore);
    case 8:
      return engine.groups().change_members(group, client::MemberChangeOf::kSetRole, {any_user()},
                                            static_cast<MemberRole>(random_.between(1, 3)),
                                            kIgnore);
    default:
      engine.groups().rename(group, "title " + std::to_string(++words_), kIgnore);
  }
}

// Few go, so that others are left to see it.
void Workload::change_account(Device& device) {
  const bool by_operator = device.account() == nullptr || random_.chance(0.3);
  if (device.account() != nullptr && random_.chance(0.8)) {
    const std::string fresh = "password " + std::to_string(++words_);
    return by_operator ? world_.set_password(device, fresh) : world_.change_password(device, fresh);
  }
  if (keeps_accounts_ || static_cast<std::size_t>(++deletions_) + 2 > world_.users()) return;
  by_operator ? world_.remove_account(device.who().user) : world_.delete_account(device);
}

void Workload::change_self(Device& device) {
  client::Engine& engine = *device.engine();
  if (random_.chance(device.account() == nullptr ? 0.02 : 0.3)) return change_account(device);
  switch (random_.below(3)) {
    case 0: {
      client::Privacy privacy;
      privacy.receipts = random_.chance(0.5);
      privacy.online = static_cast<client::Audience>(random_.between(1, 3));
      privacy.last_seen = static_cast<client::Audience>(random_.between(1, 3));
      // Mostly they let each other: much else is to be seen in their groups.
      const auto audience = [this] {
        return random_.chance(0.7) ? client::Audience::kEveryone
                                   : static_cast<client::Audience>(random_.between(2, 3));
      };
      privacy.group_adds = audience();
      privacy.first_messages = audience();
      return engine.settings().set_privacy(privacy, kIgnore);
    }
    case 1:
      return engine.settings().set_contact(any_user(), random_.chance(0.7), kIgnore);
    default: {
      const UserId other = any_user();
      if (other != device.who().user)
        engine.settings().set_blocked(other, random_.chance(0.4), kIgnore);
    }
  }
}

void Workload::move(Device& device) {
  client::Engine& engine = *device.engine();
  switch (random_.below(5)) {
    case 0:
      device.wants_online = !device.wants_online;
      return device.wants_online ? engine.connection().start() : engine.connection().stop();
    case 1:
      return engine.connection().network_changed();
    case 2:
      return random_.chance(0.5) ? engine.connection().set_background(true)
                                 : engine.connection().set_background(false);
    default:
      break;
  }
  for (const auto& [id, record] : engine.model().conversations()) {
    for (const client::Message& m : engine.history().timeline(id, 5)) {
      if (m.status != DeliveryStatus::kFailed) continue;
      if (random_.chance(0.5)) return world_.discard(device, m.id);
      return (void)engine.outgoing().resend(m.id);
    }
  }
}

}  // namespace kith::sim
