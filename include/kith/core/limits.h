// Every bound of the library: what it bounds, in which unit, and what happens beyond it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kith::limits {

using namespace std::chrono_literals;

// --- wire: more bytes are refused with TOO_LARGE, more entries with LIMIT_EXCEEDED ---
// One WebSocket message, in either direction.
inline constexpr std::size_t frame_bytes_max = 64 * 1024;
// The content of one message; larger payloads are media.
inline constexpr std::size_t body_bytes_max = 8 * 1024;
// Messages in one SendBatch: 16 typical ones of 2 KiB fit into a frame.
inline constexpr std::size_t batch_items_max = 16;
// The events of one page, in bytes and in number; the frame has room for its envelope. More: the next page.
inline constexpr std::size_t page_bytes_max = 48 * 1024;
inline constexpr std::size_t page_events_max = 200;
inline constexpr std::size_t mentions_max = 64;  // users mentioned by one message
inline constexpr std::size_t title_bytes_max = 256;
inline constexpr std::size_t handle_bytes_max = 64;
inline constexpr std::size_t display_name_bytes_max = 128;
inline constexpr std::size_t password_bytes_max = 256;
inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t token_bytes_max = 4 * 1024;
inline constexpr std::size_t agent_bytes_max = 128;  // the client's name and version in Hello
inline constexpr std::size_t caps_max = 32;          // capabilities in one Hello
inline constexpr std::size_t cap_bytes_max = 32;     // the name of one capability
// The longest well-formed language tag that RFC 5646 advises.
inline constexpr std::size_t locale_bytes_max = 35;
inline constexpr std::size_t page_token_bytes_max = 256;
// Conversations in one AckEvents or SyncRequest: 30 bytes each fit into a frame.
inline constexpr std::size_t heads_listed_max = 2'000;
// The sentence for developers in Error and Goodbye; a longer one is cut.
inline constexpr std::size_t detail_bytes_max = 512;

// --- conversations ---
inline constexpr std::size_t group_members_max = 10'000;
// Users in one CreateConversation or MemberChange. The event that records it has 18 bytes for each and must fit into
// a page, a push and a frame; more users are added by further commands.
inline constexpr std::size_t members_change_max = 1'000;
// A group above this is large (ConversationState.large) and stays so. Messages of a large group set no feed marks, and
// passive members get HeadPush instead of EventPush when pushes are scarce.
inline constexpr std::size_t small_group_members_max = 256;
// A session is active in a large group for this long after it sends or reads there; otherwise it is passive.
inline constexpr auto large_active_for = 5min;
// Event pushes per second to passive members of large groups; bursts of twice that; a frame above 1 KiB counts as
// several. Beyond it a passive member gets one HeadPush per group every large_head_interval.
inline constexpr std::uint32_t large_pushes_per_s = 20'000;
inline constexpr auto large_head_interval = 2s;
// A group above this gets no pushes of receipts and of typing.
inline constexpr std::size_t receipt_detail_members_max = 64;
inline constexpr std::size_t readers_listed_max = 100;          // users in one list of readers
inline constexpr std::size_t contacts_max = 5'000;              // of one user
inline constexpr std::size_t presence_subscriptions_max = 128;  // users that one session watches
inline constexpr std::size_t users_page_max = 100;              // users in one request
inline constexpr std::size_t members_page_max = 1'000;          // members in one page
// Conversations in one SyncPage, by default and at most.
inline constexpr std::size_t sync_window_default = 50;
inline constexpr std::size_t sync_window_max = 100;
// Changed conversations that one sync lists; a client with more gets a snapshot.
inline constexpr std::size_t sync_delta_max = 2'000;

// --- search ---
inline constexpr std::size_t search_query_bytes_max = 256;
inline constexpr std::size_t search_terms_max = 32;       // words in one query
inline constexpr std::size_t search_term_bytes_max = 64;  // a longer word is cut to this
inline constexpr std::size_t search_page_default = 20;    // hits in one page
inline constexpr std::size_t search_page_max = 50;
// Server: searches running at once; more are refused with OVERLOADED.
inline constexpr std::size_t searches_running_max = 64;
// Server: searches of one user running at once; more are refused with RATE_LIMITED.
inline constexpr std::size_t searches_running_of_one_max = 4;
// Server: a search that takes longer fails with TIMEOUT.
inline constexpr auto search_time_limit = 2s;
// A search covers the user's most recently changed conversations, at most this many.
inline constexpr std::size_t search_conversations_max = 20'000;
// Conversations waiting to be indexed; the indexer reads further ones from the store again.
inline constexpr std::size_t search_waiting_max = 100'000;
// Client: the device's own hits are the result if the server has not answered by then.
inline constexpr auto search_answer_limit = 3s;
// Client: messages indexed at a time (some milliseconds) when an earlier release wrote the cache, and the pause before
// the next ones, in which the loop does other work.
inline constexpr std::size_t search_index_slice = 200;
inline constexpr auto search_index_pause = 20ms;

// --- session ---
inline constexpr auto heartbeat = 30s;          // client: interval between two Pings
inline constexpr auto server_idle_limit = 75s;  // 2.5 heartbeats without a byte: Goodbye IDLE
inline constexpr auto pong_limit = 10s;         // client: reconnects if no Pong has come by then
inline constexpr auto probe_limit = 3s;         // the same, after network_changed()
inline constexpr auto hello_limit = 10s;    // connected, and not signed in by then: Goodbye IDLE
inline constexpr auto request_limit = 15s;  // client: an unanswered request fails
inline constexpr auto send_limit = 10s;     // client: a batch without SendResult is sent again
inline constexpr auto resume_ticket_life = 10min;
// Bytes in a session's send queue: above the first, ephemeral frames are dropped; above the second the session lags,
// and gets heads instead of events.
inline constexpr std::size_t send_queue_soft_bytes = 256 * 1024;
inline constexpr std::size_t send_queue_hard_bytes = 1024 * 1024;
// Bytes in a connection's socket buffer; beyond it the connection is cut. The send queue acts long before.
inline constexpr std::size_t send_buffer_cut_bytes = 32 * 1024 * 1024;
inline constexpr auto lagging_limit = 30s;  // a session lags for longer: Goodbye SLOW_CONSUMER
// Commands of one session waiting for the log; more are refused with RATE_LIMITED.
inline constexpr std::size_t unacked_items_max = 32;
// Receipts waiting to be logged, and conversations that are loaded for them at once.
inline constexpr std::size_t receipts_gathered_max = 100'000;
inline constexpr std::size_t receipt_loads_max = 256;
inline constexpr auto presence_grace = 45s;         // between the last disconnection and OFFLINE
inline constexpr auto presence_min_interval = 10s;  // between two changes of one user's presence
inline constexpr auto typing_ttl = 5s;              // an indicator that is not renewed disappears
inline constexpr auto typing_interval = 3s;         // client: between two Typing frames
// The first receipt after a pause is pushed at once; further ones are coalesced into one push per conversation in this
// time.
inline constexpr auto receipt_coalesce_direct = 20ms;
inline constexpr auto receipt_coalesce_group = 2s;

// --- arrival: connections that have not signed in ---
// From accept to the end of the TLS handshake and the WebSocket request; then hello_limit counts. Beyond: closed.
inline constexpr auto arrival_limit = 10s;
// The head of an HTTP request; cookies and tracing headers of proxies fit. A longer one is answered with 431.
inline constexpr std::size_t request_head_bytes_max = 8 * 1024;
// A ClientHello; one with post-quantum keys and a ticket has 2 KiB. A longer one closes the connection.
inline constexpr std::size_t client_hello_bytes_max = 16 * 1024;
// TLS handshakes under way, of one address and of all; each takes about 50 KiB. More connections wait, unread.
inline constexpr std::size_t handshakes_of_one_max = 256;
inline constexpr std::size_t handshakes_at_once_max = 1'024;
// Connections of one address that have been let in and have not signed in; further ones wait, unread.
inline constexpr std::size_t arrivals_of_one_max = 2'048;
// A connection older than this is closed when another one waits for its place.
inline constexpr auto arrival_grace = 1s;
// Key updates by the peer in the life of a TLS connection (one is due after 24 million records); more: closed.
inline constexpr std::size_t key_updates_max = 32;
// Pings, pongs and empty fragments of a connection: at once, and per second on average; more: closed.
inline constexpr std::uint32_t control_frames_burst = 200;
inline constexpr std::uint32_t control_frames_per_s = 20;
// Bytes read from one connection and not yet taken by the services; above it reading stops until half is taken.
inline constexpr std::size_t unread_bytes_max = 64 * 1024;

// --- budgets: token buckets of an account, shared by its sessions, and of an address; beyond: RATE_LIMITED ---
// Cost units of commands, sustained and at once; a message costs one. Queries have a bucket four times as large.
inline constexpr std::uint32_t account_commands_per_s = 50;
inline constexpr std::uint32_t account_commands_burst = 200;
// Ids and handles looked up. A new device looks up all the people that it shows; the rate stops a client that tries
// out handles.
inline constexpr std::uint32_t account_lookups_per_s = 50;
inline constexpr std::uint32_t account_lookups_burst = 2'000;
inline constexpr std::uint32_t address_lookups_per_s = 500;
inline constexpr std::uint32_t address_lookups_burst = 20'000;
// New accounts from one address. ServerOptions raises it for a host behind one address.
inline constexpr std::uint32_t address_registrations_per_h = 600;
inline constexpr std::uint32_t address_registrations_burst = 100;
// Failed sign-ins and rejected tokens from one address.
inline constexpr std::uint32_t address_failures_per_min = 30;
inline constexpr std::uint32_t address_failures_burst = 60;
// Wrong passwords for one handle, from all devices and addresses that the account has not used before.
inline constexpr std::uint32_t handle_failures_per_h = 240;
inline constexpr std::uint32_t handle_failures_burst = 60;
// Wrong passwords for one handle from one address: this many are free, the next one brings a pause of the first
// length, each further one doubles it up to the second, and one failure is forgotten every sign_in_failure_heals.
inline constexpr std::uint32_t sign_in_failures_free = 4;
inline constexpr auto sign_in_pause_first = 1s;
inline constexpr auto sign_in_pause_max = 60s;
inline constexpr auto sign_in_failure_heals = 2min;
// A sign-in during such a pause is refused after this delay: a fast guesser only holds up their own connections.
inline constexpr auto refused_entry_delay = 500ms;
// Refused requests of an account that is above its budget, at once and per second; more: its connection is closed.
inline constexpr std::uint32_t excess_burst = 1'000;
inline constexpr std::uint32_t excess_per_s = 20;
// Milliseconds of searching, per second and at once.
inline constexpr std::uint32_t search_ms_per_s = 200;
inline constexpr std::uint32_t search_ms_burst = 4'000;
// Buckets kept while they are not full, about 100 bytes each: of signed-out accounts, of addresses, and of handles
// with failures.
inline constexpr std::size_t accounts_budgeted_max = 65'536;
inline constexpr std::size_t addresses_budgeted_max = 65'536;
inline constexpr std::size_t sign_ins_budgeted_max = 65'536;
// Accounts whose devices and addresses of the last sign-ins are remembered.
inline constexpr std::size_t accounts_known_max = 131'072;
// Password requests of one address waiting for the hasher; addresses take turns. More: OVERLOADED.
inline constexpr std::size_t password_requests_of_one_max = 8;
// Devices of an account; a further one replaces the device that has been away the longest.
inline constexpr std::size_t account_devices_max = 100;
// Ids in one UpdateContacts, all its lists together; longer lists are sent in parts.
inline constexpr std::size_t contacts_change_max = 500;

// --- retries ---
inline constexpr auto backoff_base = 500ms;
inline constexpr auto backoff_cap = 60s;
inline constexpr auto backoff_cap_foreground = 30s;
inline constexpr auto backoff_reset_after = 60s;  // connected and synced for this long
// An unsent message fails after this time; the user decides whether to send it again.
inline constexpr auto outbox_item_life = 14 * 24h;
// Rules before version 4 refused commands with an older id; replaying a log still needs it.
inline constexpr auto dedupe_horizon = 30 * 24h;

// --- client: bounds of what a server can make a device do ---
// Unsolicited frames: each counts one, and one more for each KiB. The groups of a person cause far fewer than this.
// Beyond it the client gives the connection up.
inline constexpr std::uint32_t pushes_taken_per_s = 1'000;
inline constexpr std::uint32_t pushes_taken_burst = 50'000;
// Requested pages of conversations (50 each) and of history (200 events each); further requests wait. The first sync
// of 50,000 conversations passes at once.
inline constexpr std::uint32_t listings_asked_per_s = 10;
inline constexpr std::uint32_t listings_asked_burst = 1'000;
inline constexpr std::uint32_t history_asked_per_s = 20;
inline constexpr std::uint32_t history_asked_burst = 5'000;
// Bytes of events kept in memory until the events before them arrive; further ones are dropped and fetched later.
inline constexpr std::size_t held_bytes_max = 4 * 1024 * 1024;
// Conversations of one account on a device, about 0.5 KiB of memory each; further ones are ignored.
inline constexpr std::size_t conversations_kept_max = 100'000;
// The longest pause that a peer may impose: a server's mistake must not silence a client for days.
inline constexpr auto retry_after_max = 1h;
inline constexpr std::size_t outbox_messages_max = 10'000;
// The user's own messages that are sent again when the server was restored from an older copy: the newest of each
// conversation, and the newest of all. The server still has most of them; recognising one costs it a log record.
inline constexpr std::size_t resent_of_conversation_max = 200;
inline constexpr std::size_t resent_max = 1'000;
// Between an event that arrives after a gap and the request for the missing ones.
inline constexpr auto gap_wait = 300ms;
// Missing events that are fetched as a whole; of a larger gap the newest page is fetched, the rest on demand.
inline constexpr std::size_t gap_fetch_max = 200;
inline constexpr auto idle_sync = 15min;  // a sync runs at least this often while connected
// A call waits this long while another process writes to the cache's files, then fails with kAlreadyOpen. Shorter than
// the server waits for a heartbeat.
inline constexpr auto cache_busy_limit = 20s;
inline constexpr auto event_batch_interval = 50ms;    // at most 20 view diffs per second
inline constexpr std::size_t view_items_max = 2'000;  // rows held by one observable view

// --- server ---
// Parts of the conversations, each with a log and a store of its own, some ten open files; and threads: more than a
// machine has cores are useless.
inline constexpr std::uint32_t partitions_max = 256;
inline constexpr std::uint32_t loops_max = 64;
inline constexpr std::size_t journal_batch_max = 4'096;  // records in one commit
// Records waiting for a commit; more are refused with OVERLOADED.
inline constexpr std::size_t journal_pending_max = 65'536;
// Rejected appends whose callback has not run yet. Beyond this, append() calls back synchronously.
inline constexpr std::size_t journal_refused_max = 65'536;
// Log records that are not in the store yet. From the first mark on commands are queued in front of the log, and the
// second is never passed. One batch for the store may be as large as the first mark, and as many records arrive while
// it is written.
inline constexpr std::size_t apply_lag_soft = 100'000;
inline constexpr std::size_t apply_lag_max = 200'000;
// Commands queued while the store catches up; more are refused with OVERLOADED.
inline constexpr std::size_t commands_held_max = 100'000;
// A command whose expected wait exceeds the first is refused at once, with retry_after_ms. If the store makes no
// progress, a queued command is refused after the second, before its client takes the batch for lost (send_limit).
inline constexpr auto command_held_expected = 4s;
inline constexpr auto command_held_limit = 6s;
// A request that took longer than the first from the gateway to its owner counts as a repetition: its client may have
// repeated it through another owner meanwhile. A new owner treats every request so for the second, since it does not
// know what earlier owners received.
inline constexpr auto request_fresh = 2s;
inline constexpr auto new_owner_doubts = 3s;
// An owner that gives up its conversations waits this long for unfinished writes.
inline constexpr auto leave_limit = 1500ms;
// The least and the largest retry_after_ms of an OVERLOADED.
inline constexpr auto overloaded_retry_min = 100ms;
inline constexpr auto overloaded_retry_max = 10s;
// Commands recognised as repetitions before the store has them, or although they changed nothing. More than
// journal_pending_max, and more than one owner decides in five seconds.
inline constexpr std::size_t recent_commands = 131'072;
inline constexpr std::size_t recent_events = 256;  // per cached conversation
// Events cached in all conversations; above it a conversation that changes keeps recent_events_few of the stored ones.
inline constexpr std::size_t recent_events_total = 500'000;
inline constexpr std::size_t recent_events_few = 4;
// Conversations in memory, in number and in bytes with their members: a member takes about 100 bytes, and a group has
// up to 10,000. Beyond either the longest unused ones are evicted.
inline constexpr std::size_t conversations_cached_max = 100'000;
inline constexpr std::size_t conversations_cached_bytes = 256 * 1024 * 1024;
// Feed entries kept in memory behind the store, about 100 bytes each: while their user is away the next change of the
// same conversation writes nothing. Beyond it such a change is written again.
inline constexpr std::size_t feed_entries_cached_max = 200'000;
// User records in memory, about 1 KiB each; beyond it the longest unused ones are evicted.
inline constexpr std::size_t users_cached_max = 100'000;
inline constexpr std::size_t users_cached_bytes = users_cached_max * 1024;
// Tokens of the host remembered per device, 34 bytes each, to reject them when the device is revoked. A device renews
// its token when it expires, so more than two valid ones are rare. With more than this, revoking the device rejects all
// tokens of the user that are as old as the forgotten ones.
inline constexpr std::size_t device_tokens_max = 8;
// Requests waiting for the password hasher, about 50 ms each; more are refused with OVERLOADED.
inline constexpr std::size_t password_requests_max = 64;
// log2 of scrypt's N (RFC 7914, r = 8, p = 1), which sets time and memory of one password: 1 MiB at 10, 256 MiB at 18.
// The default follows OWASP's advice for interactive sign-in: 32 MiB, and about 80 ms on the machines of 2024.
inline constexpr std::uint32_t password_cost_min = 10;
inline constexpr std::uint32_t password_cost_default = 15;
inline constexpr std::uint32_t password_cost_max = 18;
inline constexpr std::uint32_t password_threads_max = 64;
// Bytes handed to a socket at a time; the rest waits in the session's send queue.
inline constexpr std::size_t write_ahead_bytes = 64 * 1024;
// Bytes of answers waiting for sockets: of one account (several devices on slow links, each with a page of history on
// its way), of all accounts, and of one account while all together exceed their bound. Beyond: the session is ended.
inline constexpr std::size_t answers_waiting_of_one = 4 * 1024 * 1024;
inline constexpr std::size_t answers_waiting = 32 * 1024 * 1024;
inline constexpr std::size_t answers_waiting_crowded = 512 * 1024;
// Bytes of incomplete messages on the connections of one shard; beyond it the connection with the oldest one is closed.
// A message of at most half_message_small bytes, as most are, does not count.
inline constexpr std::size_t half_messages = 24 * 1024 * 1024;
inline constexpr std::size_t half_message_small = 4 * 1024;
// The largest step that a clock is expected to make; a time further ahead was written by a wrong clock.
inline constexpr auto clock_step = 60s;
// Conversations whose heads are kept for a lagging session; with more it syncs again.
inline constexpr std::size_t lagging_heads_max = 2'000;
// Welcome waits this long for the session registry. Later it goes out without, since a person waits for it, and the
// device is notified when the registry has its session.
inline constexpr auto registration_wait = 1s;
// A session that could not be registered is tried again after the first pause, doubled up to the second.
inline constexpr auto registration_pause_first = 500ms;
inline constexpr auto registration_pause_max = 30s;
// Sessions that a gateway registers again per second: 50,000 of a full one take 10 s when a registry has lost them.
inline constexpr std::uint32_t registrations_per_s = 5'000;
// A registry that has begun anew is not complete for this long: its gateways notice within 15 s, a lease, and need
// some 10 s each to add all again; devices that connect anew need up to backoff_cap_foreground.
inline constexpr auto registry_doubt = 60s;
// When the bus has lost deliveries, the sessions of a gateway are notified at random moments of this time: 50,000
// syncs at once would delay the messages of all.
inline constexpr auto resync_spread = 30s;
inline constexpr auto close_limit = 2s;  // for Client::close() and Server::stop()

}  // namespace kith::limits
