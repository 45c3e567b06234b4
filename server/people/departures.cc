// Departures: takes people whose accounts were deleted out of their groups.
#include "server/people/departures.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "src/guard.h"
#include "src/timer.h"
#include "src/uuid.h"

namespace kith::server {
namespace {

constexpr std::size_t kPage = 100;  // users, or conversations, at a time
// Longer than any request that was let in before the account ended.
constexpr Millis kSecondLook = std::chrono::seconds(30);
// A log or store that does not take it for now.
constexpr Millis kRetry = std::chrono::seconds(5);

}  // namespace

struct Departures::State {
  State(Directory& d, UserFeed& f, Conversations& c, Scheduler& s, Random& random, const Home& h)
      : directory(d), feed(f), conversations(c), scheduler(s), ids(s.clock(), random), home(h) {}

  void look();
  void take(std::vector<UserId> users);
  void next_user();
  void list(const UserId& user, FeedVersion before);
  void walk(const UserId& user, std::vector<FeedChange> page, std::size_t index);
  void visit(const UserId& user, const ConversationId& id, std::function<void()> then);
  void leave(const UserId& user, const ConversationId& id, std::function<void()> then);
  void walked(const UserId& user);
  void again(Millis wait);

  Directory& directory;
  UserFeed& feed;
  Conversations& conversations;
  Scheduler& scheduler;
  UuidGenerator ids;
  const Home home;
  bool running = false;  // a look is under way
  bool wanted = false;   // another one shall follow it
  // The look that is under way.
  struct Pass {
    bool failed = false;    // something of it could not be done for now
    bool more = false;      // there are users behind those of it
    std::size_t found = 0;  // groups of the user at hand
  } pass;
  std::uint64_t left_groups = 0;
  std::vector<UserId> waiting;  // of this look, the next one last
  // Those in whom nothing was found, since when (steady clock).
  std::map<UserId, std::int64_t> clean_since;
  Timer timer{scheduler, [this] { look(); }};
  Guard guard;
};

void Departures::State::look() {
  if (running) {
    wanted = true;
    return;
  }
  timer.stop();
  running = true;
  wanted = pass.failed = false;
  directory.leaving(kPage, guard.wrap([this](Result<std::vector<UserId>> users) {
    if (users) return take(std::move(*users));
    running = false;
    again(kRetry);
  }));
}

void Departures::State::take(std::vector<UserId> users) {
  pass.more = users.size() == kPage;
  std::erase_if(users, [this](const UserId& user) { return !home.has(user); });
  std::reverse(users.begin(), users.end());
  waiting = std::move(users);
  next_user();
}

void Departures::State::next_user() {
  if (!waiting.empty()) {
    const UserId user = waiting.back();
    waiting.pop_back();
    pass.found = 0;
    return list(user, 0);
  }
  running = false;
  if (wanted) return look();
  if (!clean_since.empty() && !pass.failed) return again(kSecondLook);
  if (pass.failed || pass.more) again(kRetry);
}

void Departures::State::again(Millis wait) {
  timer.start(wait);
}

// From the newest to the oldest: what is left meanwhile gets a mark above, and does not come twice.
void Departures::State::list(const UserId& user, FeedVersion before) {
  feed.list(user, before, kPage, guard.wrap([this, user](Result<std::vector<FeedChange>> page) {
    if (!page) {
      pass.failed = true;
      return next_user();
    }
    if (page->empty()) return walked(user);
    walk(user, std::move(*page), 0);
  }));
}

void Departures::State::walk(const UserId& user, std::vector<FeedChange> page, std::size_t index) {
  if (index == page.size()) return list(user, page.back().ver);
  const ConversationId id = page[index].conversation;
  visit(user, id, guard.wrap([this, user, page = std::move(page), index]() mutable {
    walk(user, std::move(page), index + 1);
  }));
}

void Departures::State::visit(const UserId& user, const ConversationId& id,
                              std::function<void()> then) {
  conversations.with(id, user,
                     guard.wrap([this, user, id, then = std::move(then)](
                                    const Result<const Conversation*>& loaded) {
                       if (!loaded) pass.failed = true;
                       const Conversation* c = loaded ? *loaded : nullptr;
                       const Member* member = c == nullptr ? nullptr : find_member(*c, user);
                       const bool inside = member != nullptr && member->active() &&
                                           c->head.type == ConversationType::kGroup;
                       // Never inside the call: a long list would be as deep.
                       if (!inside) return scheduler.post(then);
                       ++pass.found;
                       leave(user, id, then);
                     }));
}

void Departures::State::leave(const UserId& user, const ConversationId& id,
                              std::function<void()> then) {
  LogRecord record;
  record.conversation = id;
  record.command_id = ids.next();
  record.sender = user;
  record.gateway_ts_ms = scheduler.clock().wall().ms;
  record.rules_version = kRulesVersion;
  record.receipts_off = true;  // leaving says nothing of what has been read
  record.op = MembershipOp{MemberChangeKind::kLeave, {}, MemberRole::kNone};
  conversations.append(std::move(record),
                       guard.wrap([this, then = std::move(then)](const Result<Outcome>& outcome) {
                         if (outcome && outcome->placed) {
                           ++left_groups;
                         } else if (!outcome || outcome->error->code != ErrorCode::kNotMember) {
                           pass.failed = true;
                         }
                         scheduler.post(then);
                       }));
}

void Departures::State::walked(const UserId& user) {
  const std::int64_t now = scheduler.clock().steady_ms();
  if (pass.found > 0 || pass.failed) {
    clean_since.erase(user);
    clean_since.emplace(user, now);
    return next_user();
  }
  const auto [since, first] = clean_since.try_emplace(user, now);
  if (first || now - since->second < kSecondLook.count()) return next_user();
  clean_since.erase(since);
  directory.left(user, guard.wrap([this](const Status& left) {
    if (!left) pass.failed = true;
    next_user();
  }));
}

Departures::Departures(Directory& directory, UserFeed& feed, Conversations& conversations,
                       Scheduler& scheduler, Random& random, const Home& home)
    : state_(std::make_unique<State>(directory, feed, conversations, scheduler, random, home)) {}

Departures::~Departures() = default;

void Departures::look() {
  state_->look();
}

std::uint64_t Departures::groups_left() const {
  return state_->left_groups;
}

}  // namespace kith::server
