// Invariants 8 and 13.
#include "tests/simulation/checkers/privacy.h"

#include <algorithm>
#include <utility>

namespace kith::sim {
namespace {

// A decision that was under way when a setting changed may still take effect this much later.
constexpr std::int64_t kUnderWayMs = 10'000;
// An answer may wait this long for a device that reads slowly (limits::lagging_limit, and a crash).
constexpr std::int64_t kInQueueMs = 60'000;

bool allows(server::Audience audience, const server::UserRecord& target, const UserId& viewer) {
  if (std::count(target.blocked.begin(), target.blocked.end(), viewer) != 0) return false;
  if (audience == server::Audience::kContacts) {
    return std::count(target.contacts.begin(), target.contacts.end(), viewer) != 0;
  }
  return audience == server::Audience::kEveryone;
}

}  // namespace

const server::UserRecord* PrivacyChecker::user(const UserId& id) const {
  const auto it = truth_.directory.accounts.find(id);
  return it == truth_.directory.accounts.end() || truth_.gone(id) ? nullptr : &it->second.user;
}

void PrivacyChecker::user_changed(const UserId& id) {
  changed_at_[id] = truth_.now();
}

std::int64_t PrivacyChecker::under_way_ms() const {
  return kUnderWayMs + truth_.stands_still_ms;
}

bool PrivacyChecker::settled(const UserId& id, std::int64_t for_ms) const {
  const auto it = changed_at_.find(id);
  return it == changed_at_.end() || truth_.now() - it->second > for_ms;
}

bool PrivacyChecker::hides_reads(const UserId& id, std::int64_t for_ms) const {
  const server::UserRecord* record = user(id);
  return record != nullptr && !record->privacy.receipts && settled(id, for_ms);
}

void PrivacyChecker::shown(const ConversationId& conversation, const UserId& id,
                           std::uint64_t seq) {
  std::uint64_t& known = shown_[conversation][id];
  known = std::max(known, seq);
}

void PrivacyChecker::logged(std::uint32_t partition, const server::LogEntry& entry) {
  remember_history();
  logged_[partition] = entry.position;
  made_members(entry);
  if (!hides_reads(entry.record.sender, under_way_ms())) show(partition, entry);
}

// It is not known whether its sender hid their reading then.
void PrivacyChecker::logged_before(std::uint32_t partition, const server::LogEntry& entry) {
  remember_history();
  logged_[partition] = entry.position;
  made_members(entry);
  show(partition, entry);
}

void PrivacyChecker::show(std::uint32_t partition, const server::LogEntry& entry) {
  const server::LogRecord& r = entry.record;
  const auto* receipt = std::get_if<server::ReceiptOp>(&r.op);
  if (receipt != nullptr) {
    shown(r.conversation, r.sender, receipt->read_seq);
  } else {
    sharing_[{partition, entry.position}] = r.sender;
  }
}

// Takes over the state at the beginning of the run.
void PrivacyChecker::remember_history() {
  if (std::exchange(history_known_, true)) return;
  for (const auto& [id, members] : truth_.members()) {
    made_.insert(id);
    for (const auto& [user, member] : members) shown(id, user, member.public_read_seq);
  }
}

void PrivacyChecker::made_members(const server::LogEntry& entry) {
  const auto* create = std::get_if<server::CreateOp>(&entry.record.op);
  const auto* change = std::get_if<server::MembershipOp>(&entry.record.op);
  if (create != nullptr && !made_.insert(entry.record.conversation).second) return;
  if (create == nullptr && (change == nullptr || change->kind != server::MemberChangeKind::kAdd))
    return;
  const bool direct = create != nullptr && create->type == ConversationType::kDirect;
  for (const UserId& id : create != nullptr ? create->members : change->users) {
    if (truth_.gone(id)) continue;  // 25
    const server::UserRecord* target = user(id);
    if (target == nullptr) {
      broken(13, "user " + brief(id) + " does not exist, and is made a member");
      continue;
    }
    if (id == entry.record.sender || !settled(id, under_way_ms())) continue;
    const auto& privacy = target->privacy;
    if (allows(direct ? privacy.first_messages : privacy.group_adds, *target,
               entry.record.sender)) {
      continue;
    }
    broken(13, target->handle + " is made a member by somebody who may not");
  }
}

void PrivacyChecker::refused(const Who& who, const v1::Error& error) {
  for (const std::string& bytes : error.users()) {
    const server::UserRecord* target = user(UserId::from_bytes(bytes).value());
    if (target == nullptr || error.code() == v1::ERROR_CODE_PERMISSION_DENIED) continue;
    broken(13,
           who.name + " is told that there is no " + target->handle + ", who keeps out of its way");
  }
}

void PrivacyChecker::applied(std::uint32_t partition, const server::StoreBatch& batch) {
  // Where somebody joined is no secret. A message shows that its sender has read, unless they keep
  // that private.
  for (const auto& [id, member] : batch.members) shown(id, member.user, member.join_seq);
  for (const server::EventPtr& e : batch.events) {
    const auto writer = sharing_.find({partition, e->position});
    if (writer != sharing_.end()) shown(e->conversation, writer->second, e->seq);
  }
  std::erase_if(published_, [&](const Published& p) {
    if (p.at.partition != partition || p.at.position > truth_.store(partition).applied) {
      return false;
    }
    judge(p);
    return true;
  });
}

void PrivacyChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  if (frame.has_error()) refused(who, frame.error());
  for (const auto& state : frame.receipt_push().states()) hides(who, state);
  for (const auto& state : frame.sync_page().changed()) hides(who, state);
}

template <class State>
void PrivacyChecker::hides(const Who& who, const State& state) {
  if (state.read_all_seq() == 0 && state.read_any_seq() == 0) return;
  if (!hides_reads(who.user, kInQueueMs)) return;
  broken(8, who.name + " hides what it reads, and is told what others read");
}

void PrivacyChecker::published(const Who& who, const v1::ServerFrame& frame) {
  if (frame.has_receipt_push()) {
    for (const auto& state : frame.receipt_push().states()) reads(state);
  } else if (frame.has_presence_push()) {
    presence(who, frame.presence_push());
  } else if (frame.has_typing_push()) {
    typing(who, frame.typing_push());
  }
}

// The frame is the one for users who share what they read.
void PrivacyChecker::reads(const v1::ReceiptState& state) {
  const std::uint64_t read = std::max(state.read_all_seq(), state.read_any_seq());
  if (read == 0) return;
  const auto id = ConversationId::from_bytes(state.conversation_id()).value();
  const std::uint32_t partition = truth_.disks.partition_of(id);
  published_.push_back({{partition, logged_[partition]}, id, read});
}

// Both numbers are at most what two people have shown: all have read includes two of them, and
// somebody besides the first has read is the second.
void PrivacyChecker::judge(const Published& published) {
  std::vector<std::uint64_t> marks;
  for (const auto& [user, seq] : shown_[published.conversation]) marks.push_back(seq);
  std::sort(marks.rbegin(), marks.rend());
  const std::uint64_t second = marks.size() < 2 ? 0 : marks[1];
  if (published.read > second) {
    broken(8, "conversation " + brief(published.conversation) + " was told to be read up to " +
                  std::to_string(published.read) + ", two people show at most " +
                  std::to_string(second));
  }
}

void PrivacyChecker::presence(const Who& who, const v1::PresencePush& push) {
  const UserId id = UserId::from_bytes(push.user_id()).value();
  const server::UserRecord* target = user(id);
  const server::UserRecord* viewer = user(who.user);
  if (target == nullptr || viewer == nullptr || id == who.user) return;
  if (!settled(id, under_way_ms()) || !settled(who.user, under_way_ms())) return;
  const bool online = allows(target->privacy.online, *target, who.user) &&
                      allows(viewer->privacy.online, *viewer, id);
  const bool last_seen = allows(target->privacy.last_seen, *target, who.user) &&
                         allows(viewer->privacy.last_seen, *viewer, id);
  if (push.state() != v1::PRESENCE_STATE_UNSPECIFIED && !online) {
    broken(8, who.name + " is told the presence of " + target->handle + ", which is hidden");
  }
  if (push.last_seen_ms() != 0 && !last_seen) {
    broken(8, who.name + " is told when " + target->handle + " was last seen, which is hidden");
  }
}

void PrivacyChecker::typing(const Who& who, const v1::TypingPush& push) {
  const UserId id = UserId::from_bytes(push.user_id()).value();
  const server::UserRecord* target = user(id);
  const server::UserRecord* viewer = user(who.user);
  if (target == nullptr || viewer == nullptr) return;
  if (!settled(id, under_way_ms()) || !settled(who.user, under_way_ms())) return;
  if (allows(target->privacy.online, *target, who.user) &&
      allows(viewer->privacy.online, *viewer, id)) {
    return;
  }
  broken(8, who.name + " is told that " + target->handle + " types, whose presence is hidden");
}

}  // namespace kith::sim
