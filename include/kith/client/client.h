// START HERE to put a messenger into an application: Client is one signed-in account on a device.
//
//   kith::client::ClientOptions options;
//   options.url = "wss://chat.example.com/v1/ws";
//   options.handle = "alice";
//   options.token = kith::client::fixed_token(token);
//   options.cache_dir = directory;
//   auto client = kith::client::Client::open(options);
//   (*client)->connect();
//   (*client)->send((*client)->direct("bob"), "hello");
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/client/options.h"
#include "kith/client/types.h"
#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/result.h"

namespace kith::client {

// Called once, on the executor. If the client is closed first: with kCancelled, before close()
// returns, and if the executor is the application's, on the thread that closes.
using kith::Done;

// Ends an observation when it is destroyed; no callback of it runs afterwards (it waits for one
// that runs, unless it is destroyed inside it).
class KITH_API Subscription {
 public:
  virtual ~Subscription() = default;
};

struct Token {
  std::string value;
  Timestamp expires;
  // The account's, as the server keeps it: for ClientOptions::handle. "Alice" signs in as "alice".
  std::string handle{};
};

// Owns the local cache, the outbox and at most one connection. Works offline: everything but what
// is marked "online" answers from the cache or is queued durably.
//
// Threads:  every method from any thread, also from inside callbacks. Callbacks run on
//           ClientOptions::executor, one at a time.
// Lifetime: close() (and the destructor) return after the last callback has returned, within 2 s.
class KITH_API Client {
 public:
  // Opens (or creates) the cache. No network is touched.
  // Fails with kAlreadyOpen (another process holds it), kCacheTooNew, kDiskFull, kIo,
  // kInvalidArgument (names the field). A corrupt cache is set aside and rebuilt (event
  // CacheRecovered); the outbox has its own file and is kept. kCacheCorrupt: that file itself, with
  // what was not sent yet, is unreadable; it is left as it is for the application to decide.
  [[nodiscard]] static Result<std::unique_ptr<Client>> open(ClientOptions options);
  virtual ~Client() = default;

  // Creates an account on a server that keeps its own accounts, or signs in to one; online. Blocks
  // up to 15 s. The token is good for the device in options.cache_dir alone (kInvalidArgument
  // without one), so give open() the same directory; a client may have it open already. Fails with
  // kAlreadyExists (register), kUnauthenticated (handle or password is wrong), kPermissionDenied
  // (no accounts here), kInvalidArgument, kOverloaded, and what a connection or open() fails with.
  [[nodiscard]] static Result<Token> register_account(const ClientOptions& options,
                                                      const std::string& password,
                                                      const std::string& display_name = "");
  [[nodiscard]] static Result<Token> sign_in(const ClientOptions& options,
                                             const std::string& password);

  // Keeps a connection from now on, reconnecting with jittered back-off.
  virtual void connect() = 0;
  virtual void disconnect() = 0;
  virtual void close() = 0;            // idempotent
  virtual void network_changed() = 0;  // hints of the platform: probe or reconnect at once
  virtual void foreground() = 0;
  virtual void background() = 0;

  [[nodiscard]] virtual UserId self() const = 0;
  [[nodiscard]] virtual ConnectionState connection() const = 0;
  // Waits until the state is kOnline (everything that happened before is in the cache); kTimeout,
  // or why it was refused. Not from inside a callback.
  [[nodiscard]] virtual Status wait_online(std::chrono::milliseconds limit) = 0;
  // Waits until nothing is left to send: every message is kSent or kFailed. kTimeout, or why there
  // is no connection. Not from inside a callback.
  [[nodiscard]] virtual Status wait_sent(std::chrono::milliseconds limit) = 0;

  // --- what happens ---
  [[nodiscard]] virtual std::unique_ptr<Subscription> on_event(
      std::function<void(const Event&)> callback) = 0;
  // Conversations, most recently active first. The first call is a kReset; at most 20 calls per
  // second.
  using ConversationDiffs = std::vector<Diff<Conversation>>;
  [[nodiscard]] virtual std::unique_ptr<Subscription> observe_conversations(
      std::function<void(const ConversationDiffs&)> callback) = 0;
  // The newest `window` messages, oldest first, pending ones at the end. Where this device does not
  // hold some between them there is a row of kind MessageKind::kGap.
  using TimelineDiffs = std::vector<Diff<Message>>;
  [[nodiscard]] virtual std::unique_ptr<Subscription> observe_timeline(
      const ConversationId& conversation, std::size_t window,
      std::function<void(const TimelineDiffs&)> callback) = 0;

  // --- messages ---
  // Records the message durably and returns its id; delivery is the outbox's promise, also after a
  // crash. Messages of one conversation leave in the order of their send() calls. Fails with
  // kOutboxFull, kTooLarge, kDiskFull, kInvalidArgument, kClosed, and with kNotFound if `reply_to`
  // is no message of this conversation that this device holds; none leaves a trace.
  [[nodiscard]] virtual Result<MessageId> send(const ConversationId& to, const std::string& text,
                                               const MessageId& reply_to = {}) = 0;
  // For a message that is kFailed: tries again as it is, or forgets it.
  [[nodiscard]] virtual Status resend(const MessageId& id) = 0;
  [[nodiscard]] virtual Status discard(const MessageId& id) = 0;
  // Messages with seq < before (0 = newest), ascending, at most `limit`; from the cache, holes are
  // fetched when connected.
  virtual void history(const ConversationId& conversation, Seq before, std::size_t limit,
                       Done<std::vector<Message>> done) = 0;
  // Messages by their words, newest first: those that wait in the outbox, then those on this device
  // and, if the server can search and there is a connection, all others that one may read. Case and
  // accents do not matter, every word must be there (docs/protocol.md, "Search"). Takes at most 3 s
  // (limits::search_answer_limit). Each hit comes on one page only, unless the clock of the server
  // went back or a message was sent meanwhile. A hit that this device does not hold is shown in its
  // place by history(conversation, Seq(seq.value + 1), n). Of a conversation that one has left, what
  // this device holds is still found. Fails with kInvalidArgument (nothing to search for, not UTF-8,
  // `limit` is 0, `after` is of another search), kTooLarge, kLimitExceeded (the query), and with
  // what reading the cache fails with.
  virtual void search(const SearchQuery& query, Done<SearchPage> done) = 0;
  // Everything up to `upto` (0 = newest) is read. Durable, works offline.
  [[nodiscard]] virtual Status mark_read(const ConversationId& conversation, Seq upto = {}) = 0;
  // With ClientOptions::acknowledge_by_hand: the application has dealt with everything of the
  // conversation up to `upto`, and the server may tell the senders. Durable, works offline.
  [[nodiscard]] virtual Status acknowledge(const ConversationId& conversation, Seq upto) = 0;
  // What others wrote and this device holds, but the application has not acknowledged, oldest first;
  // of each conversation a page, so call it until it is empty. Empty without acknowledge_by_hand.
  [[nodiscard]] virtual std::vector<Message> unacknowledged() = 0;
  virtual void set_typing(const ConversationId& conversation, bool typing) = 0;
  // Who has received and read the message at `seq`; online. In groups of more than 100 members only
  // the counts. Fails with kNotMember, kInvalidArgument (seq is 0).
  virtual void readers(const ConversationId& conversation, Seq seq, Done<Readers> done) = 0;

  // --- conversations ---
  [[nodiscard]] virtual std::vector<Conversation> conversations(std::size_t limit = 100) = 0;
  // The 1:1 conversation with a person; it comes into being with its first message, which fails with
  // kPermissionDenied if they do not let one start it (Privacy::first_messages, or a block).
  [[nodiscard]] virtual ConversationId direct(const std::string& handle) = 0;
  // Queued durably; messages may be sent to the new group at once. At most 1,000 people besides oneself
  // (limits::members_change_max, kLimitExceeded), others join by add_members(). If the server does not make
  // it, GroupRefused says why.
  [[nodiscard]] virtual Result<ConversationId> create_group(const std::string& title,
                                                            const std::vector<UserId>& members) = 0;
  // Online. Nobody is added if one of them does not exist (kNotFound) or may not be added
  // (kPermissionDenied): Error::users tells who. More than 1,000 are changed by several commands.
  virtual void add_members(const ConversationId& group, const std::vector<UserId>& users,
                           Done<void> done) = 0;
  virtual void remove_members(const ConversationId& group, const std::vector<UserId>& users,
                              Done<void> done) = 0;
  virtual void leave(const ConversationId& group, Done<void> done) = 0;
  virtual void set_role(const ConversationId& group, const UserId& user, MemberRole role,
                        Done<void> done) = 0;
  virtual void rename(const ConversationId& group, const std::string& title, Done<void> done) = 0;
  virtual void members(const ConversationId& group, Done<std::vector<Member>> done) = 0;

  // --- people --- (online, unless said otherwise)
  virtual void find_users(const std::vector<std::string>& handles,
                          Done<std::vector<Profile>> done) = 0;
  // Of anybody whose name this device has learned, from the cache. Others are asked for and known a
  // moment later.
  [[nodiscard]] virtual std::optional<Profile> profile(const UserId& user) = 0;
  // Replaces the earlier list, of which the first 128 (limits::presence_subscriptions_max) are
  // watched; PresenceChanged follows.
  virtual void watch_presence(const std::vector<UserId>& users) = 0;
  [[nodiscard]] virtual Privacy privacy() = 0;  // from the cache
  virtual void set_privacy(const Privacy& privacy, Done<void> done) = 0;
  virtual void set_contact(const UserId& user, bool contact, Done<void> done) = 0;
  virtual void set_blocked(const UserId& user, bool blocked, Done<void> done) = 0;
  // One's own lists as the cache has them; SettingsChanged follows every change, a moment after
  // set_contact() or set_blocked() here or on another device.
  [[nodiscard]] virtual std::vector<UserId> contacts() = 0;
  [[nodiscard]] virtual std::vector<UserId> blocked() = 0;

  // --- one's own account --- (online)
  // At most 128 bytes (limits::display_name_bytes_max), kTooLarge otherwise. One's other
  // devices learn it by sync; other people's devices ask for names again when they connect, at most
  // once an hour.
  virtual void set_display_name(const std::string& name, Done<void> done) = 0;
  virtual void devices(Done<std::vector<Device>> done) = 0;
  // Ends the sessions of that device (kSignedOut, kRevoked there) and makes its tokens useless; its
  // local data stays there. An id that is not one's own changes nothing.
  virtual void revoke_device(const DeviceId& device, Done<void> done) = 0;
  virtual void revoke_other_devices(Done<void> done) = 0;
  // Proves the old password of an account of the server's own and sets another of 8 to 256 bytes.
  // Every earlier token of the account is refused from then on and other devices become kSignedOut
  // (kRevoked); this one goes on with the token that is answered. Keep it in place of the old one:
  // ClientOptions::token has to answer it from now on. Fails with kUnauthenticated (the old password is
  // wrong), kPermissionDenied (the account is the host's), kRateLimited, kInvalidArgument, kTooLarge:
  // nothing has changed. After kTimeout or kOffline it may have: sign in with the new one, else the
  // old one.
  virtual void change_password(const std::string& old_password, const std::string& new_password,
                               Done<Token> done) = 0;
  // Proves the password and ends the own account for good: it signs in nowhere, leaves its groups, and
  // nobody ever gets its handle; what it wrote stays with those who have it. Then this client is
  // kSignedOut (kRevoked); cache_dir is the application's to remove. Fails as change_password(); after
  // kTimeout or kOffline it may be done, which the next sign-in tells.
  virtual void delete_account(const std::string& password, Done<void> done) = 0;
};

}  // namespace kith::client
