// CacheStore: what one account keeps on this device. The real one is cache_store_sqlite.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/ranges.h"
#include "kith/client/types.h"
#include "src/delivery_state.h"
#include "src/search_terms.h"

namespace kith::client {

// A conversation as the server last sent it, with what this device has learned since.
struct ConversationRecord {
  ConversationId id;
  ConversationType type = ConversationType::kUnknown;
  std::string title;
  UserId peer;
  MemberRole role = MemberRole::kNone;
  std::uint64_t entry_ver = 0;
  std::uint64_t last_seq = 0;  // head that this device knows of, held or not
  std::uint64_t last_ordinal = 0;
  std::int64_t last_ts_ms = 0;
  std::uint64_t floor_seq = 0;  // nothing below is readable
  std::uint64_t read_seq = 0;
  std::uint64_t read_ordinal = 0;
  std::uint64_t delivered_seq = 0;  // own mark that the server has confirmed
  DeliveryMarks marks;
  std::uint32_t member_count = 0;
  bool large = false;
  friend bool operator==(const ConversationRecord&, const ConversationRecord&) = default;
};

// An event of the history; `bytes` is the serialized v1::Event, kept also when its kind is unknown
// to this release.
struct StoredEvent {
  ConversationId conversation;
  std::uint64_t seq = 0;
  MessageId message;
  std::uint64_t ordinal = 0;
  std::string bytes;
};

enum class OutboxKind : std::uint8_t { kMessage = 1, kCreate = 2 };

struct OutboxRow {
  std::int64_t order = 0;  // ascends with send()
  ConversationId conversation;
  MessageId id;
  OutboxKind kind = OutboxKind::kMessage;
  UserId peer;          // 1:1 only
  std::string payload;  // serialized v1::OutMessage or v1::CreateConversation
  std::int64_t created_ms = 0;
  std::int64_t server_ms = 0;  // the server's time then, or when it was first known; 0 = not yet
  std::optional<ErrorCode> failed;  // refused for good, and why
  std::vector<UserId> refused{};    // Error::users of it
  // In memory only: a restart makes every attempt uncertain and forgets where a row was placed.
  std::uint32_t attempt = 0;
  std::uint64_t placed_seq = 0;
  std::uint64_t placed_ordinal = 0;
  std::int64_t placed_ts_ms = 0;
  bool placed_before = false;  // by an earlier attempt: as what, only the server knows
};

// One change: all of it or nothing. Promises to the user (outbox, read marks,
// identity) survives power loss when commit() returns; the rest survives the process and can be
// fetched again.
struct CacheChange {
  bool forget_history = false;      // first of all: no events, ranges and conversations any more
  std::vector<StoredEvent> events;  // a (conversation, seq) that is stored already is left alone
  std::map<ConversationId, Ranges> ranges;
  std::vector<ConversationRecord> conversations;
  std::vector<Profile> profiles;
  std::map<std::string, std::string> kv;
  std::optional<std::uint64_t> cursor;

  std::vector<OutboxRow> outbox_put;
  std::vector<MessageId> outbox_remove;
  std::map<ConversationId, std::uint64_t> read_marks_put;  // waiting to be sent to the server
  std::vector<ConversationId> read_marks_remove;
  std::optional<DeviceId> device;
  // As kv["run"], the run of the server whose history is held: numbers that wait are of it, too.
  std::optional<std::string> run;

  [[nodiscard]] bool touches_cache() const {
    return forget_history || !events.empty() || !ranges.empty() || !conversations.empty() ||
           !profiles.empty() || !kv.empty() || cursor;
  }
  [[nodiscard]] bool touches_outbox() const {
    return !outbox_put.empty() || !outbox_remove.empty() || !read_marks_put.empty() ||
           !read_marks_remove.empty() || device || run;
  }
};

// Everything but the events, read once when the account is opened.
struct CacheContent {
  std::map<ConversationId, ConversationRecord> conversations;
  std::map<ConversationId, Ranges> ranges;
  std::vector<Profile> profiles;
  std::map<std::string, std::string> kv;
  std::uint64_t cursor = 0;
  std::vector<OutboxRow> outbox;  // ascending order; rows whose event is in the cache are left out
  std::map<ConversationId, std::uint64_t> read_marks;
  DeviceId device;            // empty on first use
  std::string run;            // CacheChange::run; empty: none was heard of
  std::string recovered;      // why the cache had to be set aside; empty normally
  bool index_behind = false;  // index_more() has something to do
};

struct SearchRequest {
  search::Pattern pattern;
  ConversationId conversation;  // empty: all
  std::uint64_t before = 0;     // FoundEvent::place; 0: from the newest
  std::size_t limit = 0;
};
struct FoundEvent {
  StoredEvent event;
  std::uint64_t place = 0;  // descends from hit to hit; the same each time
};

// One thread at a time. Errors: kDiskFull, kIo, kCacheCorrupt, kAlreadyOpen (somebody keeps a file
// locked); nothing of the change is visible then, nor after a restart.
class CacheStore {
 public:
  virtual ~CacheStore() = default;
  virtual Result<CacheContent> load() = 0;
  virtual Status commit(const CacheChange& change) = 0;
  // The newest `limit` events with from <= seq < before, ascending.
  virtual Result<std::vector<StoredEvent>> events(const ConversationId& conversation,
                                                  std::uint64_t from, std::uint64_t before,
                                                  std::size_t limit) = 0;
  virtual std::optional<StoredEvent> find_message(const ConversationId& conversation,
                                                  const MessageId& id) = 0;
  // The newest `limit` messages below `before` that fit, newest first by the server's time.
  virtual Result<std::vector<FoundEvent>> search(const SearchRequest& request) = 0;
  // Makes the next `events` that an earlier release has stored without an index findable; false:
  // there are no more. Takes up where it was, also after a crash.
  virtual Result<bool> index_more(std::size_t events) = 0;
};

}  // namespace kith::client
