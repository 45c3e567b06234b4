// Invariants 24 and 25.
#include "tests/simulation/checkers/accounts.h"

#include <algorithm>

#include "tests/simulation/server_node.h"

namespace kith::sim {
namespace {

// The answer to a request accepted earlier may still come this much later.
constexpr std::int64_t kUnderWayMs = 10'000;
// A change of members that was checked before may be logged this much later.
constexpr std::int64_t kLetInMs = 30'000;

// Frames that a connection without a session may get.
bool of_the_door(const v1::ServerFrame& frame) {
  return frame.has_error() || frame.has_goodbye() || frame.has_signed_in() || frame.has_pong();
}

}  // namespace

void AccountsChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  std::string& password = asked_[{who.device, frame.req_id()}];
  password.clear();
  if (frame.has_sign_in()) password = frame.sign_in().password();
  if (frame.has_change_password()) {
    password = frame.change_password().new_password();
    wanted_[who.device].insert(ServerNode::hash_of(password));
  }
  if (!frame.has_hello()) return;
  const v1::Hello& hello = frame.hello();
  offered_[who.device] =
      hello.access_token().empty() ? hello.resume_ticket() : hello.access_token();
}

void AccountsChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  follow(who, frame);
  for (const auto& one : frame.users_page().users()) profile(one);
  if (frame.has_presence_push()) {
    const UserId user = UserId::from_bytes(frame.presence_push().user_id()).value();
    const bool shown = frame.presence_push().state() != v1::PRESENCE_STATE_UNSPECIFIED;
    if (shown && gone_for(user, kUnderWayMs)) {
      broken(25, who.name + " is told the presence of an account that was deleted");
    }
  }
  const bool session = !of_the_door(frame);
  if ((session || frame.has_signed_in()) && gone_for(who.user, kUnderWayMs)) {
    return broken(25, who.name + " is told something, though its account was deleted");
  }
  if (session) judge_session(who);
}

// Finds the password behind a session and its tokens.
void AccountsChecker::follow(const Who& who, const v1::ServerFrame& frame) {
  if (frame.has_signed_in()) {
    const std::string& password = asked_[{who.device, frame.reply_to()}];
    if (password.empty())
      return;  // an answer to an earlier process of the device, whose number is in use again
    made_with_[frame.signed_in().access_token()] = password;
    if (session_of_.contains(who.device)) session_of_[who.device] = password;
  }
  if (!frame.has_welcome()) return;
  const auto made = made_with_.find(offered_[who.device]);
  if (made == made_with_.end()) return;  // of the host
  session_of_[who.device] = made->second;
  made_with_[frame.welcome().resume_ticket()] = made->second;
}

void AccountsChecker::judge_session(const Who& who) {
  const auto session = session_of_.find(who.device);
  const auto change = changes_.find(who.user);
  if (session == session_of_.end() || change == changes_.end()) return;
  if (truth_.now() - change->second.at <= kUnderWayMs) return;
  if (ServerNode::hash_of(session->second) == change->second.hash) return;
  if (wanted_[who.device].contains(change->second.hash)) return;
  broken(24, who.name + " goes on with '" + session->second + "', which was changed " +
                 std::to_string(truth_.now() - change->second.at) + " ms ago");
}

void AccountsChecker::profile(const v1::UserProfile& profile) {
  const UserId user = UserId::from_bytes(profile.user_id()).value();
  if (!gone_for(user, kUnderWayMs)) return;
  if (profile.deleted() && profile.handle().empty() && profile.display_name().empty()) return;
  broken(25, "the profile of " + brief(user) + " does not say that the account was deleted");
}

void AccountsChecker::logged(std::uint32_t /*partition*/, const server::LogEntry& entry) {
  const auto* create = std::get_if<server::CreateOp>(&entry.record.op);
  const auto* change = std::get_if<server::MembershipOp>(&entry.record.op);
  const bool adds = change != nullptr && change->kind == server::MemberChangeKind::kAdd;
  if (create == nullptr && !adds) return;
  if (!logged_.emplace(entry.record.conversation, entry.record.command_id).second) return;
  for (const UserId& user : create != nullptr ? create->members : change->users) {
    if (gone_for(user, kLetInMs)) broken(25, "somebody whose account was deleted is made a member");
  }
}

void AccountsChecker::user_changed(const UserId& user) {
  const std::string& hash = truth_.directory.accounts.at(user).password_hash;
  Change& known = changes_[user];
  if (known.hash == hash) return;
  known = {hash, truth_.now()};
}

bool AccountsChecker::gone_for(const UserId& user, std::int64_t ms) const {
  const auto removed = removed_at_.find(user);
  return removed != removed_at_.end() && truth_.now() - removed->second > ms;
}

void AccountsChecker::at_rest() {
  for (const auto& [user, account] : truth_.directory.accounts) {
    if (account.life != server::DirectoryMemory::Account::Life::kLeaving) continue;
    broken(25, "the departure of " + brief(user) + ", whose account was deleted, has no end");
  }
  for (const auto& [id, members] : truth_.members()) {
    if (id.is_direct()) continue;
    for (const auto& [user, member] : members) {
      if (!member.active() || !truth_.gone(user)) continue;
      broken(25, "an account that was deleted is still a member of " + brief(id));
    }
  }
  for (const Who& who : truth_.devices) {
    client::Engine* engine = truth_.engine(who.device);
    if (engine == nullptr || !truth_.gone(who.user) || unheard_.contains(who.device)) continue;
    if (engine->connection().status().state() == client::ConnectionState::kOnline) {
      broken(25, who.name + " is online, though its account was deleted");
    }
  }
}

}  // namespace kith::sim
