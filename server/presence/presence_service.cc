// Presence and typing.
#include "server/presence/presence_service.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/guard.h"

namespace kith::server {
namespace {

constexpr std::int64_t kLastSeenGrainMs = 60'000;

// The presence of one user as one viewer sees it.
struct VisiblePresence {
  v1::PresenceState state = v1::PRESENCE_STATE_UNSPECIFIED;
  std::int64_t last_seen_ms = 0;
  friend bool operator==(const VisiblePresence&, const VisiblePresence&) = default;
};

// Both ways: who hides from somebody does not see them either.
bool mutual(const UserRecord& a, Audience a_rule, const UserRecord& b, Audience b_rule) {
  return audience_allows(a_rule, a, b.id) && audience_allows(b_rule, b, a.id);
}

bool may_see_online(const UserRecord& target, const UserRecord& viewer) {
  return mutual(target, target.privacy.online, viewer, viewer.privacy.online);
}

VisiblePresence visible_to(const UserRecord& target, const UserRecord& viewer, bool online) {
  VisiblePresence visible;
  const bool knows_online = may_see_online(target, viewer);
  if (knows_online) visible.state = online ? v1::PRESENCE_STATE_ONLINE : v1::PRESENCE_STATE_OFFLINE;
  // For somebody whose being online is hidden this is the time they last left, as ever.
  if (!(knows_online && online) &&
      mutual(target, target.privacy.last_seen, viewer, viewer.privacy.last_seen)) {
    visible.last_seen_ms = target.last_seen_ms / kLastSeenGrainMs * kLastSeenGrainMs;
  }
  return visible;
}

}  // namespace

struct PresenceService::State {
  struct Person {
    std::vector<std::uint64_t> sessions;
    std::size_t active_sessions = 0;
    bool announced_online = false;
    std::int64_t changed_ms = -1;  // last announced change; -1 = never
    std::int64_t left_wall_ms = 0;
    Scheduler::TimerId timer = 0;

    [[nodiscard]] bool idle() const {
      return sessions.empty() && active_sessions == 0 && !announced_online && timer == 0;
    }
  };
  struct Viewer {
    Caller caller;
    bool active = true;
    std::unordered_map<UserId, std::optional<VisiblePresence>>
        subscriptions;  // the last state pushed
  };

  State(Users& u, Conversations& c, Fanout& f, Scheduler& s, Millis g)
      : users(u), conversations(c), fanout(f), scheduler(s), grace(g) {}

  std::int64_t now() { return scheduler.clock().steady_ms(); }
  bool announced(const UserId& user) const {
    const auto found = people.find(user);
    return found != people.end() && found->second.announced_online;
  }

  void set_active(Viewer& viewer, bool active);
  void settle(const UserId& user);
  void arm(const UserId& user, Person& person, Millis delay);
  void announce(const UserId& user, bool online);
  void notify_watchers(const UserId& user);
  void notify(std::uint64_t session, const UserId& target);
  void push_if_changed(std::uint64_t session, const UserRecord& target, const UserRecord& viewer);
  void subscribe(Viewer& viewer, const v1::PresenceSubscribe& request);
  void unsubscribe(Viewer& viewer, const UserId& target);
  void typing(const Caller& caller, const v1::SetTyping& request);

  Users& users;
  Conversations& conversations;
  Fanout& fanout;
  Scheduler& scheduler;
  Millis grace;
  bool frozen = false;
  std::unordered_map<UserId, Person> people;  // with sessions, or inside their grace
  std::unordered_map<std::uint64_t, Viewer> viewers;
  std::unordered_map<UserId, std::unordered_set<std::uint64_t>> watchers;
  Guard guard;
};

void PresenceService::State::set_active(Viewer& viewer, bool active) {
  if (viewer.active == active) return;
  viewer.active = active;
  Person& person = people[viewer.caller.user];
  if (active) {
    ++person.active_sessions;
  } else {
    --person.active_sessions;
    if (person.active_sessions == 0) person.left_wall_ms = scheduler.clock().wall().ms;
  }
  settle(viewer.caller.user);
  if (!active) return;
  std::vector<UserId> targets;
  for (const auto& [target, pushed] : viewer.subscriptions) targets.push_back(target);
  for (const UserId& target : targets) notify(viewer.caller.session, target);
}

// Brings what is announced in line with what is, not too early and not too often.
void PresenceService::State::settle(const UserId& user) {
  const auto found = people.find(user);
  if (found == people.end()) return;
  Person& person = found->second;
  const bool online = person.active_sessions > 0;
  scheduler.cancel(std::exchange(person.timer, 0));
  if (frozen) return;
  if (online == person.announced_online) {
    if (person.idle()) people.erase(found);
    return;
  }
  const std::int64_t passed = person.changed_ms < 0 ? -1 : now() - person.changed_ms;
  const std::int64_t interval = Millis(limits::presence_min_interval).count();
  const Millis spacing{passed < 0 || passed >= interval ? 0 : interval - passed};
  if (!online) {
    arm(user, person, std::max(grace, spacing));
  } else if (spacing.count() > 0) {
    arm(user, person, spacing);
  } else {
    announce(user, true);
  }
}

void PresenceService::State::arm(const UserId& user, Person& person, Millis delay) {
  person.timer = scheduler.after(delay, guard.wrap([this, user] {
    const auto found = people.find(user);
    if (found == people.end()) return;
    found->second.timer = 0;
    announce(user, found->second.active_sessions > 0);
  }));
}

void PresenceService::State::announce(const UserId& user, bool online) {
  Person& person = people[user];
  person.announced_online = online;
  person.changed_ms = now();
  if (online) {
    notify_watchers(user);
    return;
  }
  UserChange change;
  change.last_seen_ms = person.left_wall_ms;
  // The interval between two changes outlives the absence: the entry goes when it is over.
  person.timer = scheduler.after(limits::presence_min_interval, guard.wrap([this, user] {
    const auto found = people.find(user);
    if (found == people.end()) return;
    found->second.timer = 0;
    settle(user);
  }));
  users.update(user, change,
               guard.wrap([this, user](const Result<Users::Record>&) { notify_watchers(user); }));
}

void PresenceService::State::notify_watchers(const UserId& user) {
  const auto found = watchers.find(user);
  if (found == watchers.end()) return;
  const std::vector<std::uint64_t> sessions(found->second.begin(), found->second.end());
  for (const std::uint64_t session : sessions) notify(session, user);
}

void PresenceService::State::notify(std::uint64_t session, const UserId& target) {
  const auto viewer = viewers.find(session);
  if (viewer == viewers.end() || !viewer->second.active) return;
  users.with(target, guard.wrap([this, session, target, user = viewer->second.caller.user](
                                    const Result<Users::Record>& record) {
    users.with(user, guard.wrap([this, session, target, known = record ? *record : nullptr](
                                    const Result<Users::Record>& own) {
      if (!own || !*own) return;
      UserRecord nobody;  // unknown and withheld look alike
      nobody.id = target;
      nobody.privacy.online = nobody.privacy.last_seen = Audience::kNobody;
      push_if_changed(session, known ? *known : nobody, **own);
    }));
  }));
}

void PresenceService::State::push_if_changed(std::uint64_t session, const UserRecord& target,
                                             const UserRecord& viewer) {
  const auto found = viewers.find(session);
  if (found == viewers.end() || !found->second.active) return;
  const auto pushed = found->second.subscriptions.find(target.id);
  if (pushed == found->second.subscriptions.end()) return;
  const VisiblePresence visible = visible_to(target, viewer, announced(target.id));
  if (pushed->second == visible) return;
  pushed->second = visible;
  v1::ServerFrame frame;
  frame.mutable_presence_push()->set_user_id(target.id.bytes());
  frame.mutable_presence_push()->set_state(visible.state);
  frame.mutable_presence_push()->set_last_seen_ms(static_cast<std::uint64_t>(visible.last_seen_ms));
  // Not droppable as typing is: the next change may be hours away.
  fanout.to_session(session, make_push(frame, DeliveryClass::kReceipt));
}

void PresenceService::State::unsubscribe(Viewer& viewer, const UserId& target) {
  viewer.subscriptions.erase(target);
  const auto found = watchers.find(target);
  if (found == watchers.end()) return;
  found->second.erase(viewer.caller.session);
  if (found->second.empty()) watchers.erase(found);
}

void PresenceService::State::subscribe(Viewer& viewer, const v1::PresenceSubscribe& request) {
  for (const std::string& bytes : request.remove()) {
    if (const auto target = user_id(bytes)) unsubscribe(viewer, *target);
  }
  const std::uint64_t session = viewer.caller.session;
  for (const std::string& bytes : request.add()) {
    const auto target = user_id(bytes);
    if (!target) continue;
    const auto found = viewers.find(session);
    if (found == viewers.end()) return;
    auto& subscriptions = found->second.subscriptions;
    if (subscriptions.count(*target) == 0 &&
        subscriptions.size() >= limits::presence_subscriptions_max) {
      continue;  // the client knows the limit from Welcome
    }
    subscriptions[*target] = std::nullopt;  // asked again: answered again
    watchers[*target].insert(session);
    notify(session, *target);
  }
}

void PresenceService::State::typing(const Caller& caller, const v1::SetTyping& request) {
  const auto id = conversation_id(request.conversation_id());
  if (!id) return;
  const bool typing = request.activity() == v1::ACTIVITY_TYPING;
  conversations.with(
      *id, caller.user,
      guard.wrap([this, caller, id = *id, typing](const Result<const Conversation*>& loaded) {
        if (!loaded || *loaded == nullptr) return;
        const Conversation& conversation = **loaded;
        const auto self_member =
            std::find_if(conversation.members.begin(), conversation.members.end(),
                         [&](const Member& member) { return member.user == caller.user; });
        if (self_member == conversation.members.end() || !self_member->active()) return;
        if (conversation.head.member_count > limits::receipt_detail_members_max) return;
        const UserRecord* typist = users.cached(caller.user);
        if (typist == nullptr) return;
        std::vector<UserId> audience;
        for (const Member& member : conversation.members) {
          if (!member.active() || member.user == caller.user) continue;
          // A user who is not in memory has no session here.
          const UserRecord* viewer = users.cached(member.user);
          if (viewer != nullptr && may_see_online(*typist, *viewer))
            audience.push_back(member.user);
        }
        if (audience.empty()) return;
        v1::ServerFrame frame;
        v1::TypingPush& push = *frame.mutable_typing_push();
        push.set_conversation_id(id.bytes());
        push.set_user_id(caller.user.bytes());
        push.set_activity(typing ? v1::ACTIVITY_TYPING : v1::ACTIVITY_STOPPED);
        push.set_ttl_ms(typing ? static_cast<std::uint32_t>(Millis(limits::typing_ttl).count())
                               : 0);
        fanout.to_users(audience, make_push(frame, DeliveryClass::kEphemeral));
      }));
}

PresenceService::PresenceService(Users& users, Conversations& conversations, Fanout& fanout,
                                 Scheduler& scheduler, std::chrono::milliseconds grace)
    : state_(std::make_unique<State>(users, conversations, fanout, scheduler, grace)) {}

PresenceService::~PresenceService() {
  for (auto& [id, person] : state_->people) state_->scheduler.cancel(person.timer);
}

bool PresenceService::handle(const Caller& caller, const v1::ClientFrame& frame) {
  if (frame.has_set_typing()) {
    state_->typing(caller, frame.set_typing());
    return true;
  }
  if (!frame.has_presence_subscribe()) return false;
  const auto viewer = state_->viewers.find(caller.session);
  if (viewer != state_->viewers.end()) {
    state_->subscribe(viewer->second, frame.presence_subscribe());
  }
  return true;
}

void PresenceService::session_opened(const Caller& caller, bool active) {
  State::Viewer& viewer = state_->viewers[caller.session];
  viewer = {caller, false, {}};
  state_->people[caller.user].sessions.push_back(caller.session);
  if (active) state_->set_active(viewer, true);
}

void PresenceService::session_closed(const Caller& caller) {
  const auto found = state_->viewers.find(caller.session);
  if (found == state_->viewers.end()) return;
  std::vector<UserId> targets;
  for (const auto& [target, pushed] : found->second.subscriptions) targets.push_back(target);
  for (const UserId& target : targets) state_->unsubscribe(found->second, target);
  state_->set_active(found->second, false);
  state_->viewers.erase(caller.session);
  const auto person = state_->people.find(caller.user);
  if (person == state_->people.end()) return;
  std::erase(person->second.sessions, caller.session);
  if (person->second.idle()) state_->people.erase(person);
}

void PresenceService::session_active(const Caller& caller, bool active) {
  const auto found = state_->viewers.find(caller.session);
  if (found != state_->viewers.end()) state_->set_active(found->second, active);
}

void PresenceService::user_changed(const UserId& user) {
  state_->notify_watchers(user);
  // Reciprocity: what the user may see of others has changed too.
  std::vector<std::pair<std::uint64_t, UserId>> own;
  const auto person = state_->people.find(user);
  if (person == state_->people.end()) return;
  for (const std::uint64_t session : person->second.sessions) {
    for (const auto& [target, pushed] : state_->viewers.at(session).subscriptions)
      own.emplace_back(session, target);
  }
  for (const auto& [session, target] : own) state_->notify(session, target);
}

void PresenceService::freeze() {
  state_->frozen = true;
  for (auto& [id, person] : state_->people) {
    state_->scheduler.cancel(std::exchange(person.timer, 0));
  }
}

}  // namespace kith::server
