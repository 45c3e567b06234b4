// The values that the server's ports carry: plain structs, without library types. Their form on the wire is the
// server's own.
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

// Position of a record in the command log: 1, 2, 3 …
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
  // Countable events up to and including this one, as every member but the sender counts them.
  std::uint64_t ordinal = 0;
  std::uint64_t sender_ordinal = 0;  // as the sender counts them; 0 = the same
  bool countable = false;
  bool sender_only = false;  // the others see a VOID event at this seq (the sender is blocked)
  std::string body;          // serialized, opaque to storage
  std::uint64_t reply_to_seq = 0;
  std::vector<UserId> mentions;
  std::int64_t client_ts_ms = 0;
  Position position = 0;  // of the command that caused the event

  friend bool operator==(const Event&, const Event&) = default;
};

// One copy of an event, shared by readers of the newest history and by the store's next batch.
using EventPtr = std::shared_ptr<const Event>;

// The state of a conversation as a former member may see it: as it was when they left.
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
  std::uint64_t join_seq = 0;           // events with seq >= join_seq are visible …
  std::uint64_t left_seq = 0;           // … and <= left_seq, if it is not 0
  std::uint64_t delivered_seq = 0;
  std::uint64_t read_seq = 0;
  std::uint64_t read_ordinal = 0;
  std::uint64_t public_read_seq = 0;  // the read mark as other members may see it
  bool sharing = true;                // counts in the read minima: shares receipts, when last known
  bool blocks = false;  // of a 1:1: withholds the other's messages; changed by BlockOp
  // Messages of this member that other members see as VOID; the sender's ordinals count them.
  std::uint64_t withheld = 0;
  std::shared_ptr<const LeftView> left;  // of a former member; null if an earlier version had none

  [[nodiscard]] bool active() const { return role != MemberRole::kNone; }
  friend bool operator==(const Member& a, const Member& b) {
    const auto rest = [](const Member& m) {
      return std::tie(m.user, m.role, m.join_seq, m.left_seq, m.delivered_seq, m.read_seq,
                      m.read_ordinal, m.public_read_seq, m.sharing, m.withheld, m.blocks);
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
  // The record of the last event; 0 = not known. Unlike last_position it does not move when a member reads.
  Position entry_ver = 0;
  std::uint32_t member_count = 0;  // active members
  bool large = false;              // has been above limits::small_group_members_max; stays set
  // The published receipt minima; they never fall.
  std::uint64_t delivered_all_seq = 0;
  std::uint64_t read_all_seq = 0;
  std::uint64_t read_any_seq = 0;

  friend bool operator==(const Head&, const Head&) = default;
};

inline std::uint64_t ordinal_for(const Event& event, const UserId& reader) {
  return reader == event.sender && event.sender_ordinal != 0 ? event.sender_ordinal : event.ordinal;
}

// The place of an earlier command with the same (conversation, sender, id), as its sender counts.
struct Placement {
  std::uint64_t seq = 0;
  std::uint64_t ordinal = 0;
  std::int64_t server_ts_ms = 0;
  Position position = 0;
};

inline Placement placement_of(const Event& event) {
  return {event.seq, ordinal_for(event, event.sender), event.server_ts_ms, event.position};
}

// --- commands: the records of the log ---
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
  std::vector<UserId> receipts_off{};  // the members who do not share receipts
};
enum class MemberChangeKind : std::uint8_t { kAdd = 1, kRemove = 2, kLeave = 3, kSetRole = 4 };
struct MembershipOp {
  MemberChangeKind kind = MemberChangeKind::kAdd;
  std::vector<UserId> users;
  MemberRole role = MemberRole::kNone;
  std::vector<UserId> receipts_off{};  // the users among `users` who do not share receipts
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
// The sender blocks the other member of the conversation, a 1:1, or no longer does.
struct BlockOp {
  bool on = false;
};
struct UserMarkOp {};  // the sender's settings or contacts changed; no conversation
struct TakeOverOp {};  // a new owner of the log begins, with the record's tenure; no conversation

// The owner of a shared log at the time of a record: `epoch` counts the owners, `holder` identifies the appender among
// all processes. All zero: the log has a single appender for ever.
struct Tenure {
  std::uint64_t epoch = 0;
  std::uint64_t holder = 0;
  friend bool operator==(const Tenure&, const Tenure&) = default;
};

// One record of the command log. It holds everything that decide() needs, so that deciding takes neither a clock nor
// configuration.
struct LogRecord {
  ConversationId conversation;
  MessageId command_id;
  UserId sender;
  DeviceId sender_device;
  std::uint32_t attempt = 0;
  std::int64_t gateway_ts_ms = 0;
  std::uint32_t rules_version = 1;
  bool sender_only = false;   // of a message by the rules before 6: its sender was blocked
  bool receipts_off = false;  // the sender does not share receipts
  // The session that sent the command; it gets no push of the event. 0 = none, or read back after a restart.
  std::uint64_t origin_session = 0;
  Tenure tenure;
  std::variant<SendOp, CreateOp, MembershipOp, MetaOp, ReceiptOp, UserMarkOp, TakeOverOp, BlockOp>
      op;
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
  bool deleted = false;                   // the account is gone; the record keeps its handle taken
};
// A token of the host's authenticator with which a device has signed in.
struct TokenUse {
  std::string id;               // 16 bytes
  std::int64_t issued_ms = 0;   // 0 = the token has no issue time
  std::int64_t expires_ms = 0;  // 0 = never
  bool ended = false;           // rejected, from whichever device
  friend bool operator==(const TokenUse&, const TokenUse&) = default;
};
struct DeviceRecord {
  DeviceId id;
  std::string agent;
  std::int64_t last_seen_ms = 0;
  // Tokens of this device issued at or before this are revoked; 0 = never.
  std::int64_t revoked_ms = 0;
  // Tokens of this device stay valid if UserRecord::tokens_valid_from_ms is at or below this.
  std::int64_t spared_ms = 0;
  // The newest tokens of the host, at most limits::device_tokens_max, oldest first.
  std::vector<TokenUse> tokens{};
  // The issue time of the newest token that had no room in `tokens`; 0 = none was dropped.
  std::int64_t tokens_dropped_ms = 0;
};

}  // namespace kith::server
