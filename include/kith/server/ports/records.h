// What the server's ports carry: plain values, no library types. The wire form is the server's own
// business.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/message.h"

namespace kith::server {

// Position of a record in the command log: 1, 2, 3 … Also the version of feed marks.
using Position = std::uint64_t;

enum class EventKind : std::uint8_t { kMessage = 1, kMembership = 2, kMeta = 3, kVoid = 4 };

// One entry of a conversation's gapless history.
struct Event {
  ConversationId conversation;
  std::uint64_t seq = 0;
  EventKind kind = EventKind::kMessage;
  MessageId message_id;  // the command's id
  UserId sender;
  DeviceId sender_device;
  std::int64_t server_ts_ms = 0;  // never decreases with seq
  // Countable events up to and including this one, as everybody but the sender counts.
  std::uint64_t ordinal = 0;
  std::uint64_t sender_ordinal = 0;  // as the sender counts; 0 = the same
  bool countable = false;
  bool sender_only = false;  // others see a VOID event at this seq (the sender is blocked)
  std::string body;          // serialized, opaque to storage
  std::uint64_t reply_to_seq = 0;
  std::vector<UserId> mentions;
  std::int64_t client_ts_ms = 0;
  Position position = 0;  // of the command that made it

  friend bool operator==(const Event&, const Event&) = default;
};

// Kept once, however many hold it: readers of the newest history, and the store's next batch.
using EventPtr = std::shared_ptr<const Event>;

// What a former member may see of the conversation: as it was when they left.
struct LeftView {
  std::string title;
  std::uint32_t member_count = 0;
  bool large = false;
  std::int64_t last_ts_ms = 0;
  std::uint64_t roster_ver = 0;
  Position entry_ver = 0;  // the record by which they left
  std::uint64_t delivered_all_seq = 0;
  std::uint64_t read_all_seq = 0;
  std::uint64_t read_any_seq = 0;

  friend bool operator==(const LeftView&, const LeftView&) = default;
};

// One person's place in one conversation, present or former.
struct Member {
  UserId user;
  MemberRole role = MemberRole::kNone;  // kNone: has left
  std::uint64_t join_seq = 0;           // sees events with seq >= join_seq …
  std::uint64_t left_seq = 0;           // … and <= left_seq, if it is not 0
  std::uint64_t delivered_seq = 0;
  std::uint64_t read_seq = 0;
  std::uint64_t read_ordinal = 0;
  std::uint64_t public_read_seq = 0;  // what others may see
  bool sharing = true;                // takes part in read minima: receipts were on when last told
  Position feed_ver = 0;              // last dirty mark of this conversation for this user
  // Own messages that others read as VOID: to their sender they count like any other.
  std::uint64_t withheld = 0;
  std::shared_ptr<const LeftView> left;  // of a former member; null if an earlier version kept none

  [[nodiscard]] bool active() const { return role != MemberRole::kNone; }
  friend bool operator==(const Member& a, const Member& b) {
    const auto rest = [](const Member& m) {
      return std::tie(m.user, m.role, m.join_seq, m.left_seq, m.delivered_seq, m.read_seq,
                      m.read_ordinal, m.public_read_seq, m.sharing, m.feed_ver, m.withheld);
    };
    if (rest(a) != rest(b)) return false;
    return a.left == b.left || (a.left != nullptr && b.left != nullptr && *a.left == *b.left);
  }
};

// A conversation without its members.
struct Head {
  ConversationId id;
  ConversationType type = ConversationType::kUnknown;
  std::uint64_t last_seq = 0;
  Position last_position = 0;  // of the last record that was decided
  std::uint64_t last_ordinal = 0;
  std::int64_t last_ts_ms = 0;
  std::string title;
  std::uint64_t roster_ver = 0;  // seq of the last membership event
  // The record of the last event; 0 = not known. Unlike last_position it tells nobody that somebody reads.
  Position entry_ver = 0;
  std::uint32_t member_count = 0;  // active ones
  bool large = false;              // once above limits::small_group_members_max; stays
  // Published minima: max-registers, they never fall.
  std::uint64_t delivered_all_seq = 0;
  std::uint64_t read_all_seq = 0;
  std::uint64_t read_any_seq = 0;

  friend bool operator==(const Head&, const Head&) = default;
};

inline std::uint64_t ordinal_for(const Event& event, const UserId& reader) {
  return reader == event.sender && event.sender_ordinal != 0 ? event.sender_ordinal : event.ordinal;
}

// Where an earlier command with the same (conversation, sender, id) was placed, as its sender sees it.
struct Placement {
  std::uint64_t seq = 0;
  std::uint64_t ordinal = 0;
  std::int64_t server_ts_ms = 0;
  Position position = 0;
};

inline Placement placement_of(const Event& event) {
  return {event.seq, ordinal_for(event, event.sender), event.server_ts_ms, event.position};
}

// --- commands: what enters the log ---
struct SendOp {
  std::string body;
  std::uint64_t reply_to_seq = 0;
  std::vector<UserId> mentions;
  std::int64_t client_ts_ms = 0;
};
struct CreateOp {
  ConversationType type = ConversationType::kGroup;
  std::string title;
  std::vector<UserId> members;         // besides the sender
  std::vector<UserId> receipts_off{};  // those of them who do not share receipts
};
enum class MemberChangeKind : std::uint8_t { kAdd = 1, kRemove = 2, kLeave = 3, kSetRole = 4 };
struct MembershipOp {
  MemberChangeKind kind = MemberChangeKind::kAdd;
  std::vector<UserId> users;
  MemberRole role = MemberRole::kNone;
  std::vector<UserId> receipts_off{};  // those of `users` who do not share receipts
};
struct MetaOp {
  std::string title;
};
struct ReceiptOp {
  std::uint64_t delivered_seq = 0;
  std::uint64_t read_seq = 0;
  std::uint64_t read_ordinal = 0;
  bool publish_read = true;
};
struct UserMarkOp {};  // the sender's own state changed; no conversation
struct TakeOverOp {};  // another owner of the log begins, with the record's tenure; no conversation

// The owner of a log that several processes append to, at the place of a record: `epoch` counts the owners, `holder`
// is a number of that one appender alone. All zero: the log has one appender for ever.
struct Tenure {
  std::uint64_t epoch = 0;
  std::uint64_t holder = 0;
  friend bool operator==(const Tenure&, const Tenure&) = default;
};

// One record of the command log. Everything that decide() needs is in here: no clock, no
// configuration.
struct LogRecord {
  ConversationId conversation;
  MessageId command_id;
  UserId sender;
  DeviceId sender_device;
  std::uint32_t attempt = 0;
  std::int64_t gateway_ts_ms = 0;
  std::uint32_t rules_version = 1;
  bool sender_only = false;
  bool receipts_off = false;  // the sender does not share receipts
  // Finds the waiting request in the process that appended it; 0 after a restart.
  std::uint64_t reply_token = 0;
  Tenure tenure;
  std::variant<SendOp, CreateOp, MembershipOp, MetaOp, ReceiptOp, UserMarkOp, TakeOverOp> op;
};
struct LogEntry {
  Position position = 0;
  LogRecord record;
};

// --- people ---
enum class Audience : std::uint8_t { kEveryone = 1, kContacts = 2, kNobody = 3 };
struct PrivacySettings {
  Audience online = Audience::kEveryone;
  Audience last_seen = Audience::kEveryone;
  bool receipts = true;
  Audience group_adds = Audience::kEveryone;      // who may add this user to groups
  Audience first_messages = Audience::kEveryone;  // who may start a 1:1 with this user
  friend bool operator==(const PrivacySettings&, const PrivacySettings&) = default;
};
struct UserRecord {
  UserId id;
  std::string handle;
  std::string display_name;
  PrivacySettings privacy;
  std::vector<UserId> contacts;  // sorted
  std::vector<UserId> blocked;   // sorted
  std::int64_t last_seen_ms = 0;
  std::int64_t tokens_valid_from_ms = 0;  // tokens issued before this are revoked
  bool deleted = false;  // the account is gone: what remains is that its handle is taken
};
// A token of the host that a device came in with.
struct TokenUse {
  std::string id;               // 16 bytes
  std::int64_t issued_ms = 0;   // 0 = not told
  std::int64_t expires_ms = 0;  // 0 = never
  bool ended = false;           // refused, whichever device brings it
  friend bool operator==(const TokenUse&, const TokenUse&) = default;
};
struct DeviceRecord {
  DeviceId id;
  std::string agent;
  std::int64_t last_seen_ms = 0;
  // Tokens of this device issued at or before this are revoked; 0 = never.
  std::int64_t revoked_ms = 0;
  // UserRecord::tokens_valid_from_ms, if that is not above this, does not end tokens of this device.
  std::int64_t spared_ms = 0;
  // The newest of the host, at most limits::device_tokens_max, oldest first.
  std::vector<TokenUse> tokens{};
  // When the newest of those that had no room was made; 0 = all had.
  std::int64_t tokens_dropped_ms = 0;
};

}  // namespace kith::server
