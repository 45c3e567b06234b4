// Blocks: brings into the log which member of a 1:1 blocks the other, so that decide() knows without the directory.
//
// The people side announces each change (set()). A process may end before that; so Blocks asks for each 1:1 and sender
// once, before the first message that this process logs.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/scheduler.h"
#include "server/conversation/conversation_shard.h"
#include "server/requests/relations.h"
#include "src/guard.h"
#include "src/id_map.h"

namespace kith::server {

class Blocks {
 public:
  // All outlive this.
  Blocks(ConversationShard& shard, Relations& relations, Scheduler& scheduler)
      : shard_(shard), relations_(relations), scheduler_(scheduler) {}

  // Whether the log is known to say of `id`, the 1:1 of the two, whether `member` blocks `other`.
  [[nodiscard]] bool known(const ConversationId& id, const UserId& member,
                           const UserId& other) const {
    const auto found = known_.find(id);
    return found != known_.end() && found->second[side_of(member, other)] == round_;
  }
  // Calls `then`, in the order of the calls, once the log says so. kNotFound: the account of `member` was deleted. May
  // answer inside the call.
  void settle(const ConversationId& id, const UserId& member, const UserId& other, Done<void> then);

  // The directory has changed: `by` blocks `other` now, or no longer does. Answers when every message that is logged
  // later is decided by that. kUnavailable: another process owns the log.
  void set(const UserId& by, const UserId& other, bool on, Done<void> done);
  // Asks for everything again: an account was deleted, or another process has owned the log meanwhile.
  void forget() { ++round_; }

 private:
  using Key = std::pair<ConversationId, UserId>;
  struct Waiting {
    UserId other;
    bool changed = false;  // since the question, whose answer may be older
    std::vector<Done<void>> then;
  };
  // The place of `member` in the pair of `known_`.
  static std::size_t side_of(const UserId& member, const UserId& other) {
    return member < other ? 0 : 1;
  }
  void question(const Key& key);
  void answered(const Key& key, bool on);
  void settled(const Key& key, const Status& status);
  void note(const Key& key, const UserId& other);
  void log(const ConversationId& id, const UserId& by, bool on, CommandAnswer answer);

  ConversationShard& shard_;
  Relations& relations_;
  Scheduler& scheduler_;
  std::uint32_t round_ = 1;
  // The round in which what each side says was last found in the log.
  IdMap<ConversationId, std::array<std::uint32_t, 2>> known_;
  std::map<Key, Waiting> waiting_;
  Guard guard_;
};

}  // namespace kith::server
