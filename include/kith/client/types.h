// The values that an application reads: snapshots, valid for ever; Kith never changes one after handing it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/message.h"
#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::client {

// A row of kind kGap stands in a timeline for missing messages, the newest of them at `seq`;
// history(conversation, Seq(seq.value + 1), n) fetches them. Its id is local to this device.
struct Message {
  MessageId id;  // stable from send() on, the same on every device
  ConversationId conversation;
  Seq seq;  // 0 while it is still in the outbox
  UserId sender;
  MessageKind kind = MessageKind::kText;
  std::string text;
  Seq reply_to;           // 0 = no reply (or the answered message is not placed yet)
  MessageId reply_to_id;  // empty = no reply, or the answered message is not in the cache
  Timestamp time;         // the server's once the message is placed, else this device's
  DeliveryStatus status = DeliveryStatus::kSent;  // always kSent for messages of others
  std::optional<ErrorCode> failure;               // the reason of kFailed; none with other states
  bool mine = false;
  friend bool operator==(const Message&, const Message&) = default;
};

struct Conversation {
  ConversationId id;
  ConversationType type = ConversationType::kUnknown;
  std::string title;                    // of a group; for a 1:1 the other person's display name
  UserId peer;                          // 1:1 only
  MemberRole role = MemberRole::kNone;  // kNone: no longer a member
  std::uint64_t unread = 0;             // derived from sequence numbers, never counted up or down
  Seq last_seq;
  Timestamp last_time;
  Message
      last;  // the newest known message, an unsent one included; its id is empty if there is none
  std::uint32_t member_count = 0;
  friend bool operator==(const Conversation&, const Conversation&) = default;
};

struct Member {
  UserId user;
  MemberRole role = MemberRole::kMember;
};

struct Profile {
  UserId user;
  std::string handle;
  std::string display_name;
  // The account is gone, and with it handle and name.
  [[nodiscard]] bool deleted() const { return handle.empty(); }
};

// Another member of a conversation, and the state of one message there.
struct Reader {
  UserId user;
  bool delivered = false;
  bool read = false;  // never true if one of the two does not share receipts
};
struct Readers {
  std::vector<Reader> members;  // without this user; empty in a group of more than 100 members
  std::uint32_t read_count = 0;
  std::uint32_t delivered_count = 0;
  std::uint32_t member_count = 0;  // with this user
};

// A device of the user's own account.
struct Device {
  DeviceId id;
  std::string agent;    // ClientOptions::agent there
  Timestamp last_seen;  // when it last signed in
  bool online = false;
  bool current = false;  // this device
};

struct SearchQuery {
  std::string text{};  // as a person types it: words, "whole phrases", the last unfinished
  ConversationId conversation{};  // empty: all
  std::size_t limit = 20;         // hits on a page, at most 50 (limits::search_page_max)
  std::string after{};            // SearchPage::next of the page before; empty: the first
};
struct SearchHit {
  Message message;
  std::vector<TextRange> matches;  // the places of the searched words in message.text
};
struct SearchPage {
  std::vector<SearchHit> hits;  // newest first; fewer than the limit does not mean the last page
  std::string next;             // for SearchQuery::after; empty: there is no more
  // The server's hits are included. False (offline, or the server did not answer): this page and those after
  // it have only the hits on this device. A search with the same `after` asks the server again.
  bool complete = false;
};

enum class Audience : std::uint8_t { kEveryone = 1, kContacts = 2, kNobody = 3 };
struct Privacy {
  Audience online = Audience::kEveryone;
  Audience last_seen = Audience::kEveryone;
  bool receipts = true;
  // The people who may add this user to groups, and who may start a 1:1. A block counts as kNobody.
  Audience group_adds = Audience::kEveryone;
  Audience first_messages = Audience::kEveryone;
  friend bool operator==(const Privacy&, const Privacy&) = default;
};

enum class Presence : std::uint8_t { kUnknown = 0, kOnline = 1, kOffline = 2 };

enum class ConnectionState : std::uint8_t {
  kOffline,     // not trying (disconnect(), or not yet connect())
  kConnecting,  // trying, or waiting to try again
  kSyncing,     // signed in, catching up
  kOnline,      // signed in and up to date
  kSignedOut,  // refused for good: token invalid, revoked, or replaced by the same device elsewhere
};

// --- events, in the order in which they were applied ---
// `reason`: why the connection is not there; its code is kCancelled if there is no reason.
struct ConnectionChanged {
  ConnectionState state;
  Error reason;
};
// A message appeared (is_new, once for each id) or changed, mostly its status. `live`: it is of another user
// and arrived by push, so it deserves a sound.
struct MessageChanged {
  Message message;
  bool is_new = false;
  bool live = false;
};
struct ConversationChanged {
  Conversation conversation;
};
struct TypingChanged {
  ConversationId conversation;
  UserId user;
  bool typing = false;
};
struct PresenceChanged {
  UserId user;
  Presence presence = Presence::kUnknown;
  Timestamp last_seen;
};
// The privacy settings, Client::contacts() or Client::blocked() have changed, on this or another device.
struct SettingsChanged {
  Privacy privacy;
};
// The cache is being rebuilt from the server: it was unreadable, or holds a history that the server has lost
// (it was restored from an older copy). Unsent messages are kept.
struct CacheRecovered {
  std::string detail;
};
// The server has rejected a group that create_group() had queued. Error::users are the people who do not exist
// (kNotFound) or may not be added (kPermissionDenied). Messages waiting for the group fail with the same
// code. Client::resend(command) tries again; Client::discard(command) removes the group and its messages.
struct GroupRefused {
  ConversationId group;
  MessageId command;
  Error reason;
};
// This device can no longer store the messages that arrive (working = false: kDiskFull, kIo, kAlreadyOpen,
// kCacheCorrupt), or can again. Nothing is lost: the messages are fetched again as soon as they can be stored.
// kCacheCorrupt stays until the application closes the client and opens it again. The code of `reason` is
// kCancelled if there is none.
struct StorageChanged {
  bool working = true;
  Error reason;
};
using Event =
    std::variant<ConnectionChanged, MessageChanged, ConversationChanged, TypingChanged,
                 PresenceChanged, SettingsChanged, CacheRecovered, StorageChanged, GroupRefused>;

// --- observable views ---
template <class T>
struct Diff {
  enum class Kind : std::uint8_t { kReset, kInsert, kUpdate, kRemove, kMove } kind = Kind::kReset;
  std::size_t index = 0;  // position after the step (kRemove: before)
  std::size_t from = 0;   // kMove only
  std::vector<T> items;   // kReset: all; kInsert, kUpdate: one
};

}  // namespace kith::client
