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

// Called once, on the executor. If the client is closed first, it is called with kCancelled before close()
// returns, on the closing thread if the executor is the application's.
using kith::Done;

// An observation, which ends when this object is destroyed. The destructor waits for a running callback, unless it is
// called inside that callback; none runs afterwards.
class KITH_API Subscription {
 public:
  virtual ~Subscription() = default;
};

struct Token {
  std::string value;
  Timestamp expires;
  // The account's handle as the server keeps it, for ClientOptions::handle: "Alice" signs in as "alice".
  std::string handle{};
};

// Owns the local cache, the outbox and at most one connection. Works offline: every method that is not
// marked "online" answers from the cache or queues its change durably.
//
// Threads:  every method from any thread, also from inside callbacks. Callbacks run on
//           ClientOptions::executor, one at a time.
// Lifetime: close() (and the destructor) return after the last callback has returned, within 2 s.
class KITH_API Client {
 public:
  // Opens the cache, or creates it; the network is not touched.
  // Fails with kAlreadyOpen (another process holds it), kCacheTooNew, kDiskFull, kIo,
  // kInvalidArgument (names the field). A corrupt cache is set aside and rebuilt (event
  // CacheRecovered); the outbox has its own file and is kept. kCacheCorrupt: that file, which holds
  // the unsent messages, is unreadable; it is left in place, and the application decides about it.
  [[nodiscard]] static Result<std::unique_ptr<Client>> open(ClientOptions options);
  virtual ~Client() = default;

  // Creates an account on a server that keeps accounts of its own, or signs in to one; online. Blocks up
  // to 15 s. The token is valid only for the device in options.cache_dir (kInvalidArgument without one), so
  // give open() the same directory; a client may have it open already. Fails with kAlreadyExists
  // (register_account), kUnauthenticated (handle or password is wrong), kPermissionDenied (the server keeps
  // no accounts), kInvalidArgument, kOverloaded, and with the errors of a connection and of open().
  [[nodiscard]] static Result<Token> register_account(const ClientOptions& options,
                                                      const std::string& password,
                                                      const std::string& display_name = "");
  [[nodiscard]] static Result<Token> sign_in(const ClientOptions& options,
                                             const std::string& password);

  // Keeps a connection from now on, reconnecting with jittered back-off.
  virtual void connect() = 0;
  virtual void disconnect() = 0;
  virtual void close() = 0;  // idempotent
  // Hints of the platform. network_changed() probes the connection or reconnects at once.
  virtual void network_changed() = 0;
  virtual void foreground() = 0;
  virtual void background() = 0;

  [[nodiscard]] virtual UserId self() const = 0;
  [[nodiscard]] virtual ConnectionState connection() const = 0;
  // Waits until the state is kOnline: the cache then holds everything that happened before. Fails with
  // kTimeout, or with the reason of kSignedOut. Must not be called inside a callback.
  [[nodiscard]] virtual Status wait_online(std::chrono::milliseconds limit) = 0;
  // Waits until every message is kSent or kFailed. Fails with kTimeout, or with the reason why there is no
  // connection. Must not be called inside a callback.
  [[nodiscard]] virtual Status wait_sent(std::chrono::milliseconds limit) = 0;

  // --- events and views ---
  [[nodiscard]] virtual std::unique_ptr<Subscription> on_event(
      std::function<void(const Event&)> callback) = 0;
  // The conversations, most recently active first. The first call brings a kReset; calls come at most 20
  // times per second.
  using ConversationDiffs = std::vector<Diff<Conversation>>;
  [[nodiscard]] virtual std::unique_ptr<Subscription> observe_conversations(
      std::function<void(const ConversationDiffs&)> callback) = 0;
  // The newest `window` messages, oldest first, with the unsent ones at the end. A row of kind
  // MessageKind::kGap stands for messages between them that this device does not hold.
  using TimelineDiffs = std::vector<Diff<Message>>;
  [[nodiscard]] virtual std::unique_ptr<Subscription> observe_timeline(
      const ConversationId& conversation, std::size_t window,
      std::function<void(const TimelineDiffs&)> callback) = 0;

  // --- messages ---
  // Stores the message durably and returns its id; the outbox delivers it, also after a crash. Messages of
  // one conversation leave in the order of their send() calls. Fails with kOutboxFull, kTooLarge, kDiskFull,
  // kInvalidArgument, kClosed, and with kNotFound if this device holds no message `reply_to` in this
  // conversation; a failed call stores nothing.
  [[nodiscard]] virtual Result<MessageId> send(const ConversationId& to, const std::string& text,
                                               const MessageId& reply_to = {}) = 0;
  // Sends a message that is kFailed again, unchanged, or removes it.
  [[nodiscard]] virtual Status resend(const MessageId& id) = 0;
  [[nodiscard]] virtual Status discard(const MessageId& id) = 0;
  // Messages with seq < before (0 = from the newest), ascending, at most `limit`. Reads the cache; while
  // connected, missing messages are fetched from the server.
  virtual void history(const ConversationId& conversation, Seq before, std::size_t limit,
                       Done<std::vector<Message>> done) = 0;
  // Finds messages by their words, newest first: unsent ones, then those on this device and, if connected to
  // a server that searches, all others that the user may read. Ignores case and accents; every word must occur
  // (docs/protocol.md, "Search"). Takes at most 3 s (limits::search_answer_limit). Each hit comes on one page
  // only, unless the server's clock went back or a message was sent meanwhile. To show a hit in its place,
  // call history(conversation, Seq(seq.value + 1), n). In a conversation that the user has left, the messages
  // on this device are still found. Fails with kInvalidArgument (nothing to search for, not UTF-8, `limit` is
  // 0, `after` belongs to another search), kTooLarge, kLimitExceeded (the query), and with the errors of
  // reading the cache.
  virtual void search(const SearchQuery& query, Done<SearchPage> done) = 0;
  // Marks all messages up to `upto` (0 = the newest) as read. Durable; works offline.
  [[nodiscard]] virtual Status mark_read(const ConversationId& conversation, Seq upto = {}) = 0;
  // With ClientOptions::acknowledge_by_hand: reports that the application has processed the conversation up
  // to `upto`; the senders then see kDelivered. Durable; works offline.
  [[nodiscard]] virtual Status acknowledge(const ConversationId& conversation, Seq upto) = 0;
  // Messages of others that this device holds and the application has not acknowledged, oldest first; one
  // page per conversation, so call it until it returns none. Empty without acknowledge_by_hand.
  [[nodiscard]] virtual std::vector<Message> unacknowledged() = 0;
  virtual void set_typing(const ConversationId& conversation, bool typing) = 0;
  // Lists the members who have received and read the message at `seq`; online. A group of more than 100
  // members gets the counts only. Fails with kNotMember, kInvalidArgument (seq is 0).
  virtual void readers(const ConversationId& conversation, Seq seq, Done<Readers> done) = 0;

  // --- conversations ---
  [[nodiscard]] virtual std::vector<Conversation> conversations(std::size_t limit = 100) = 0;
  // The id of the 1:1 conversation with a person. Its first message creates it, and fails with
  // kPermissionDenied if the person does not let this user start one (Privacy::first_messages, or a block).
  [[nodiscard]] virtual ConversationId direct(const std::string& handle) = 0;
  // Queues the creation durably; messages may be sent to the new group at once. Takes at most 1,000 people
  // besides this user (limits::members_change_max, kLimitExceeded); add_members() adds more. If the server
  // does not create the group, GroupRefused gives the reason.
  [[nodiscard]] virtual Result<ConversationId> create_group(const std::string& title,
                                                            const std::vector<UserId>& members) = 0;
  // Online. Adds all or nobody: fails with kNotFound if one of them does not exist, and with kPermissionDenied
  // if one may not be added; Error::users lists those. More than 1,000 are changed by several commands.
  virtual void add_members(const ConversationId& group, const std::vector<UserId>& users,
                           Done<void> done) = 0;
  virtual void remove_members(const ConversationId& group, const std::vector<UserId>& users,
                              Done<void> done) = 0;
  virtual void leave(const ConversationId& group, Done<void> done) = 0;
  virtual void set_role(const ConversationId& group, const UserId& user, MemberRole role,
                        Done<void> done) = 0;
  virtual void rename(const ConversationId& group, const std::string& title, Done<void> done) = 0;
  virtual void members(const ConversationId& group, Done<std::vector<Member>> done) = 0;

  // --- people --- (online, unless stated otherwise)
  virtual void find_users(const std::vector<std::string>& handles,
                          Done<std::vector<Profile>> done) = 0;
  // The cached profile. If there is none, it is requested in the background, and a later call returns it; of
  // events, only ConversationChanged of the 1:1 reports it.
  [[nodiscard]] virtual std::optional<Profile> profile(const UserId& user) = 0;
  // Watches these users instead of the earlier ones, at most the first 128
  // (limits::presence_subscriptions_max). PresenceChanged reports each state.
  virtual void watch_presence(const std::vector<UserId>& users) = 0;
  [[nodiscard]] virtual Privacy privacy() = 0;  // from the cache
  virtual void set_privacy(const Privacy& privacy, Done<void> done) = 0;
  virtual void set_contact(const UserId& user, bool contact, Done<void> done) = 0;
  virtual void set_blocked(const UserId& user, bool blocked, Done<void> done) = 0;
  // The user's own lists, from the cache. SettingsChanged follows every change, a moment after set_contact() or
  // set_blocked() on this or another device.
  [[nodiscard]] virtual std::vector<UserId> contacts() = 0;
  [[nodiscard]] virtual std::vector<UserId> blocked() = 0;

  // --- the user's own account --- (online)
  // Takes at most 128 bytes (limits::display_name_bytes_max, kTooLarge). The user's other devices get the name
  // by sync; other people's devices request names again when they connect, at most once an hour.
  virtual void set_display_name(const std::string& name, Done<void> done) = 0;
  virtual void devices(Done<std::vector<Device>> done) = 0;
  // Ends the sessions of that device (kSignedOut, kRevoked there) and revokes its tokens; its local data
  // stays. An id that is no device of this account changes nothing.
  virtual void revoke_device(const DeviceId& device, Done<void> done) = 0;
  virtual void revoke_other_devices(Done<void> done) = 0;
  // Sets another password, of 8 to 256 bytes, for an account that the server keeps; `old_password` proves it.
  // All earlier tokens of the account are revoked, and other devices become kSignedOut (kRevoked); this
  // device goes on with the token that `done` receives, which ClientOptions::token must return from now on.
  // Fails with kUnauthenticated (the old password is wrong), kPermissionDenied (the host keeps the account),
  // kRateLimited, kInvalidArgument, kTooLarge; the password is then unchanged. After kTimeout or kOffline it
  // may have changed: sign in with the new password first, then with the old one.
  virtual void change_password(const std::string& old_password, const std::string& new_password,
                               Done<Token> done) = 0;
  // Deletes the user's own account for good; `password` proves it. The account signs in nowhere any more and
  // leaves its groups, its handle is never given out again, and its messages stay with those who have them.
  // This client becomes kSignedOut (kRevoked); the application removes cache_dir. Fails as change_password()
  // does; after kTimeout or kOffline the next sign-in shows whether it happened.
  virtual void delete_account(const std::string& password, Done<void> done) = 0;
};

}  // namespace kith::client
