// Invariant 32.
#include "tests/simulation/checkers/blocks.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace kith::sim {
namespace {

// A request without an answer, because its connection is gone, is over by then.
constexpr std::int64_t kUnderWayMs = 30'000;

}  // namespace

void BlocksChecker::hears(const Who& who, const v1::ClientFrame& frame) {
  if (frame.has_update_contacts()) change(who, frame);
  if (frame.has_send()) sends(who, frame.send());
}

void BlocksChecker::change(const Who& who, const v1::ClientFrame& frame) {
  Change change{who.device, frame.req_id(), {}, truth_.now()};
  const auto add = [&](const auto& ids) {
    for (const std::string& bytes : ids) {
      change.pairs.emplace_back(who.user, UserId::from_bytes(bytes).value());
    }
  };
  add(frame.update_contacts().block());
  add(frame.update_contacts().unblock());
  // A message that is not in the log yet may come before the change or behind it.
  for (auto& [sent, expected] : sent_) {
    const bool open = expected && expected->logged == 0;
    if (open && std::count(change.pairs.begin(), change.pairs.end(), expected->pair) != 0) {
      expected.reset();
    }
  }
  if (!change.pairs.empty()) changes_.push_back(std::move(change));
}

void BlocksChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  if (frame.reply_to() == 0) return;
  std::erase_if(changes_, [&](const Change& change) {
    return change.device == who.device && change.request == frame.reply_to();
  });
}

bool BlocksChecker::changing(const Pair& pair) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
    return truth_.now() - change.at_ms < kUnderWayMs &&
           std::count(change.pairs.begin(), change.pairs.end(), pair) != 0;
  });
}

std::optional<UserId> BlocksChecker::other_of(const ConversationId& id, const UserId& user) const {
  for (const auto& [other, account] : truth_.directory.accounts) {
    if (other != user && ConversationId::direct(user, other) == id) return other;
  }
  return std::nullopt;
}

void BlocksChecker::sends(const Who& who, const v1::SendBatch& batch) {
  const ConversationId id = ConversationId::from_bytes(batch.conversation_id()).value();
  if (!id.is_direct()) return;
  const auto other = other_of(id, who.user);
  if (!other) return;
  for (const auto& item : batch.items()) {
    const Sent sent{id, who.user, MessageId::from_bytes(item.message_id()).value()};
    const auto [place, first] = sent_.try_emplace(sent);
    if (!first || truth_.gone(*other) || changing({*other, who.user})) continue;
    const auto& blocked = truth_.directory.accounts.at(*other).user.blocked;
    place->second =
        Expected{{*other, who.user}, std::count(blocked.begin(), blocked.end(), who.user) != 0};
  }
}

// Takes over the blocks of the store that the run began with.
void BlocksChecker::remember_history() {
  if (std::exchange(history_known_, true)) return;
  for (const PartitionDisks& part : truth_.disks.partitions()) {
    known_.push_back(part.store->applied);
  }
  for (const auto& [id, members] : truth_.members()) {
    if (!id.is_direct()) continue;
    for (const auto& [user, member] : members) said_[id][user] = member.blocks;
  }
}

// Records that the store had at the beginning are in its members already.
void BlocksChecker::logged_before(std::uint32_t partition, const server::LogEntry& entry) {
  remember_history();
  if (entry.position > known_.at(partition)) logged(partition, entry);
}

void BlocksChecker::logged(std::uint32_t partition, const server::LogEntry& entry) {
  remember_history();
  const server::LogRecord& r = entry.record;
  if (!r.conversation.is_direct()) return;
  if (const auto* create = std::get_if<server::CreateOp>(&r.op)) {
    if (create->members.size() != 1 || said_.contains(r.conversation)) return;
    said_[r.conversation] = {{r.sender, false}, {create->members.front(), false}};
    return;
  }
  const auto known = said_.find(r.conversation);
  if (known == said_.end()) return;
  const auto mine = known->second.find(r.sender);
  if (mine == known->second.end()) return;
  if (const auto* block = std::get_if<server::BlockOp>(&r.op)) mine->second = block->on;
  if (!std::holds_alternative<server::SendOp>(r.op)) return;
  for (const auto& [user, blocks] : known->second) {
    if (user != r.sender) withheld_[{partition, entry.position}] = blocks;
  }
  const auto sent = sent_.find({r.conversation, r.sender, r.command_id});
  if (sent == sent_.end() || !sent->second || sent->second->logged != 0) return;
  sent->second->logged = entry.position;
}

void BlocksChecker::applied(std::uint32_t partition, const server::StoreBatch& batch) {
  for (const server::EventPtr& event : batch.events) {
    const auto by_log = withheld_.find({partition, event->position});
    if (by_log == withheld_.end()) continue;
    const std::string name = "message " + brief(event->message_id) + " is " +
                             (event->sender_only ? "withheld" : "shown");
    if (by_log->second != event->sender_only) broken(32, name + ", and the log says otherwise");
    const auto sent = sent_.find({event->conversation, event->sender, event->message_id});
    if (sent == sent_.end() || !sent->second || sent->second->logged != event->position) continue;
    if (sent->second->withheld == event->sender_only) continue;
    broken(32, name + ", and the directory said otherwise when it came");
  }
}

}  // namespace kith::sim
