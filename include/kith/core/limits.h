// Every bound of the library with its reason. Nothing in Kith grows without one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kith::limits {

using namespace std::chrono_literals;

// --- wire ---
// One WebSocket message, either direction.
inline constexpr std::size_t frame_bytes_max = 64 * 1024;
// Content of one message; larger payloads are media.
inline constexpr std::size_t body_bytes_max = 8 * 1024;
// Messages in one SendBatch: 16 x 2 KiB typical < frame.
inline constexpr std::size_t batch_items_max = 16;
// Events of one page, leaves room for the envelope.
inline constexpr std::size_t page_bytes_max = 48 * 1024;
inline constexpr std::size_t page_events_max = 200;  // events in one page
inline constexpr std::size_t mentions_max = 64;
inline constexpr std::size_t title_bytes_max = 256;
inline constexpr std::size_t handle_bytes_max = 64;
inline constexpr std::size_t display_name_bytes_max = 128;
inline constexpr std::size_t password_bytes_max = 256;
inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t token_bytes_max = 4 * 1024;
inline constexpr std::size_t agent_bytes_max = 128;
inline constexpr std::size_t caps_max = 32;
inline constexpr std::size_t cap_bytes_max = 32;  // one capability name
// The longest well-formed language tag that RFC 5646 advises.
inline constexpr std::size_t locale_bytes_max = 35;
inline constexpr std::size_t page_token_bytes_max = 256;
// Conversations in one AckEvents or SyncRequest: 30 bytes each < frame.
inline constexpr std::size_t heads_listed_max = 2'000;
// One sentence for developers in Error and Goodbye.
inline constexpr std::size_t detail_bytes_max = 512;

// --- conversations ---
inline constexpr std::size_t group_members_max = 10'000;
// Users of one CreateConversation or MemberChange: the event that says so has 18 bytes for each, and fits
// a page, a push and a frame with room. More are added by further commands.
inline constexpr std::size_t members_change_max = 1'000;
// Above, a group is told to be large (ConversationState.large) and stays so: no feed marks for its
// messages, heads instead of events for those who only listen.
inline constexpr std::size_t small_group_members_max = 256;
// After sending or reading in a large group a session gets its events, not heads only.
inline constexpr auto large_active_for = 5min;
// Those who only listen get their events too while the server has pushes to spare: so many a second,
// twice as many at once, a frame above 1 KiB counting for several. Above it one head in this time per
// large group and listener.
inline constexpr std::uint32_t large_pushes_per_s = 20'000;
inline constexpr auto large_head_interval = 2s;
inline constexpr std::size_t receipt_detail_members_max = 64;  // above: no pushed minima, no typing
inline constexpr std::size_t readers_listed_max = 100;
inline constexpr std::size_t contacts_max = 5'000;
inline constexpr std::size_t presence_subscriptions_max = 128;  // per session
inline constexpr std::size_t users_page_max = 100;
inline constexpr std::size_t members_page_max = 1'000;
inline constexpr std::size_t sync_window_default = 50;  // conversations per SyncPage
inline constexpr std::size_t sync_window_max = 100;
inline constexpr std::size_t sync_delta_max = 2'000;  // more changes than this: snapshot

// --- search ---
inline constexpr std::size_t search_query_bytes_max = 256;
inline constexpr std::size_t search_terms_max = 32;       // in one query
inline constexpr std::size_t search_term_bytes_max = 64;  // of a longer word its beginning counts
inline constexpr std::size_t search_page_default = 20;    // hits in one page
inline constexpr std::size_t search_page_max = 50;
// Server: requests in work; more: OVERLOADED. One that takes longer than its time is given up.
inline constexpr std::size_t searches_running_max = 64;
inline constexpr std::size_t searches_running_of_one_max = 4;  // of one person; more: RATE_LIMITED
inline constexpr auto search_time_limit = 2s;
// Of one user, the most recently changed: all that is searched.
inline constexpr std::size_t search_conversations_max = 20'000;
// Conversations that wait to be indexed; more: they are found again in the store.
inline constexpr std::size_t search_waiting_max = 100'000;
// Client: a server without an answer, then what the device holds is the answer.
inline constexpr auto search_answer_limit = 3s;
// Client: messages of a cache that an earlier release has written, indexed at a time (some
// milliseconds), with a pause in which the loop does other things.
inline constexpr std::size_t search_index_slice = 200;
inline constexpr auto search_index_pause = 20ms;

// --- session ---
inline constexpr auto heartbeat = 30s;
inline constexpr auto server_idle_limit = 75s;  // 2.5 heartbeats without a byte
inline constexpr auto pong_limit = 10s;         // client: no Pong
inline constexpr auto probe_limit = 3s;         // client: no Pong after network_changed()
inline constexpr auto hello_limit = 10s;        // connected, not signed in
inline constexpr auto request_limit = 15s;      // client: a request without an answer
inline constexpr auto send_limit = 10s;         // client: a batch without SendResult is sent again
inline constexpr auto resume_ticket_life = 10min;
inline constexpr std::size_t send_queue_soft_bytes = 256 * 1024;   // drop ephemeral frames
inline constexpr std::size_t send_queue_hard_bytes = 1024 * 1024;  // lagging: push heads only
// Socket buffer: cut; the classes above act long before.
inline constexpr std::size_t send_buffer_cut_bytes = 32 * 1024 * 1024;
inline constexpr auto lagging_limit = 30s;            // then Goodbye SLOW_CONSUMER
inline constexpr std::size_t unacked_items_max = 32;  // per session, commands waiting for the log
// Receipts that wait to be logged, and how many at a time may have their conversation loaded for it.
inline constexpr std::size_t receipts_gathered_max = 100'000;
inline constexpr std::size_t receipt_loads_max = 256;
inline constexpr auto presence_grace = 45s;         // before OFFLINE is told
inline constexpr auto presence_min_interval = 10s;  // one change per user
inline constexpr auto typing_ttl = 5s;
inline constexpr auto typing_interval = 3s;  // client sends at most one per
// A receipt after a pause goes at once; then at most one in this time per conversation.
inline constexpr auto receipt_coalesce_direct = 20ms;
inline constexpr auto receipt_coalesce_group = 2s;

// --- arrival: connections that have not signed in ---
// Accepted, and the TLS handshake and the request for a WebSocket not yet done; then hello_limit counts.
inline constexpr auto arrival_limit = 10s;
// Head of an HTTP request; more: 431. Cookies and tracing headers of proxies fit.
inline constexpr std::size_t request_head_bytes_max = 8 * 1024;
// A ClientHello with post-quantum keys and a ticket has 2 KiB.
inline constexpr std::size_t client_hello_bytes_max = 16 * 1024;
// TLS handshakes at a time, each holds some 50 KiB: of one address, and of all. Others wait, unread.
inline constexpr std::size_t handshakes_of_one_max = 256;
inline constexpr std::size_t handshakes_at_once_max = 1'024;
// Connections of one address that have come in and not signed in; others of it wait, unread.
inline constexpr std::size_t arrivals_of_one_max = 2'048;
// One that is older gives its place to one that waits.
inline constexpr auto arrival_grace = 1s;
// Key updates of a peer in the life of a TLS connection: one is due after 24 million records.
inline constexpr std::size_t key_updates_max = 32;
// Pings, pongs and empty fragments of a connection: at once, and a second on average; more: closed.
inline constexpr std::uint32_t control_frames_burst = 200;
inline constexpr std::uint32_t control_frames_per_s = 20;
// Read from one connection and not yet taken by the services, then it is not read.
inline constexpr std::size_t unread_bytes_max = 64 * 1024;

// --- budgets: token buckets of an account, shared by its sessions, and of an address (server/budget) ---
// Cost units of what changes something, sustained and at once; a message is one. Reading has four times as much.
inline constexpr std::uint32_t account_commands_per_s = 50;
inline constexpr std::uint32_t account_commands_burst = 200;
// Ids and handles looked up: a device that is new asks for the people that it shows; who tries names out does not
// get far.
inline constexpr std::uint32_t account_lookups_per_s = 50;
inline constexpr std::uint32_t account_lookups_burst = 2'000;
inline constexpr std::uint32_t address_lookups_per_s = 500;
inline constexpr std::uint32_t address_lookups_burst = 20'000;
// New accounts of one address; a host behind one address allows more.
inline constexpr std::uint32_t address_registrations_per_h = 600;
inline constexpr std::uint32_t address_registrations_burst = 100;
// Sign-ins that fail, and tokens that are refused.
inline constexpr std::uint32_t address_failures_per_min = 30;
inline constexpr std::uint32_t address_failures_burst = 60;
// Wrong passwords for one handle from everywhere, by devices and addresses that it does not know.
inline constexpr std::uint32_t handle_failures_per_h = 240;
inline constexpr std::uint32_t handle_failures_burst = 60;
// Wrong passwords for one handle from one address that cost nothing but their own time; the pause after the next is
// the first of these, it doubles up to the second, and one failure is forgotten in the third.
inline constexpr std::uint32_t sign_in_failures_free = 4;
inline constexpr auto sign_in_pause_first = 1s;
inline constexpr auto sign_in_pause_max = 60s;
inline constexpr auto sign_in_failure_heals = 2min;
// A sign-in that must pause is told so after this: fast guessers hold their own connections, and nothing else.
inline constexpr auto refused_entry_delay = 500ms;
// Refused requests of an account above its budget, at once and a second; more: its connection is closed.
inline constexpr std::uint32_t excess_burst = 1'000;
inline constexpr std::uint32_t excess_per_s = 20;
// Milliseconds of searching, a second and at once.
inline constexpr std::uint32_t search_ms_per_s = 200;
inline constexpr std::uint32_t search_ms_burst = 4'000;
// Buckets that are not full, of accounts that are gone, of addresses, and of handles with failures: 100 bytes each.
inline constexpr std::size_t accounts_budgeted_max = 65'536;
inline constexpr std::size_t addresses_budgeted_max = 65'536;
inline constexpr std::size_t sign_ins_budgeted_max = 65'536;
// Accounts whose devices and addresses are remembered from their last sign-ins.
inline constexpr std::size_t accounts_known_max = 131'072;
// Password requests of one address that wait; the addresses take turns.
inline constexpr std::size_t password_requests_of_one_max = 8;
// Devices of an account; a new one takes the place of the one that was away the longest.
inline constexpr std::size_t account_devices_max = 100;
// Ids of one UpdateContacts, all lists together; longer lists are sent in parts.
inline constexpr std::size_t contacts_change_max = 500;

// --- retries ---
inline constexpr auto backoff_base = 500ms;
inline constexpr auto backoff_cap = 60s;
inline constexpr auto backoff_cap_foreground = 30s;
inline constexpr auto backoff_reset_after = 60s;    // connected and synced for this long
inline constexpr auto outbox_item_life = 14 * 24h;  // then FAILED; the user decides
inline constexpr auto dedupe_horizon =
    30 * 24h;  // decided by rules before 4: older ids were refused

// --- client ---
// What a server may make a device do. Frames that nobody asked for count one and one for each KiB:
// 1,000 a second is far more than a person's groups say. Above it the connection is given up.
inline constexpr std::uint32_t pushes_taken_per_s = 1'000;
inline constexpr std::uint32_t pushes_taken_burst = 50'000;
// Pages of conversations (50 each) and of history (200 events each): a first sync of 50,000
// conversations passes at once.
inline constexpr std::uint32_t listings_asked_per_s = 10;
inline constexpr std::uint32_t listings_asked_burst = 1'000;
inline constexpr std::uint32_t history_asked_per_s = 20;
inline constexpr std::uint32_t history_asked_burst = 5'000;
// Events above holes, in memory until what is below them is here; more are fetched again.
inline constexpr std::size_t held_bytes_max = 4 * 1024 * 1024;
// Conversations of one account on a device, about 0.5 KiB of memory each; others are ignored.
inline constexpr std::size_t conversations_kept_max = 100'000;
// Longest pause that a peer may ask for: a slip of a server must not silence a client for days.
inline constexpr auto retry_after_max = 1h;
inline constexpr std::size_t outbox_messages_max = 10'000;
// Own messages that are sent again when the server was restored from an older copy: the newest, of one conversation and
// of all. Most of them it still has; recognising one costs it a record of its log.
inline constexpr std::size_t resent_of_conversation_max = 200;
inline constexpr std::size_t resent_max = 1'000;
// An event above a hole waits this long before it is fetched.
inline constexpr auto gap_wait = 300ms;
// Larger holes: newest page first, rest on demand.
inline constexpr std::size_t gap_fetch_max = 200;
inline constexpr auto idle_sync = 15min;
// Another process works in the cache's files: a call waits for it, shorter than the server waits
// for a heartbeat, then fails with kAlreadyOpen.
inline constexpr auto cache_busy_limit = 20s;
inline constexpr auto event_batch_interval = 50ms;    // at most 20 view diffs per second
inline constexpr std::size_t view_items_max = 2'000;  // rows held by one observable view

// --- server ---
inline constexpr std::size_t journal_batch_max = 4'096;  // records in one commit
// Records waiting for a commit; more: OVERLOADED.
inline constexpr std::size_t journal_pending_max = 65'536;
// Refusals of the log that are still to be told; more: refused inside the call.
inline constexpr std::size_t journal_refused_max = 65'536;
// Records not yet in the store: from the first mark on, commands wait for it before the log; never
// more than the second. A batch for the store may be as large as the first, and as much comes in
// while it is written.
inline constexpr std::size_t apply_lag_soft = 100'000;
inline constexpr std::size_t apply_lag_max = 200'000;
// Commands that wait so; more: OVERLOADED.
inline constexpr std::size_t commands_held_max = 100'000;
// One that would have to wait for longer is refused at once, with the time after which to come back.
// What has waited for longer than the limit, because the store stands, is refused too: before its
// client takes the batch for lost (send_limit).
inline constexpr auto command_held_expected = 4s;
inline constexpr auto command_held_limit = 6s;
// A request that was under way between processes for longer may have been repeated meanwhile, through
// whichever owner; one that has just begun does not know what the others had.
inline constexpr auto request_fresh = 2s;
inline constexpr auto new_owner_doubts = 3s;
// An owner of conversations that gives them up waits so long for what it has begun.
inline constexpr auto leave_limit = 1500ms;
inline constexpr auto overloaded_retry_min = 100ms;
inline constexpr auto overloaded_retry_max = 10s;
// Commands that are known for repetitions although they are not decided yet, or changed nothing: more than
// journal_pending_max, and than one owner of conversations decides in five seconds.
inline constexpr std::size_t recent_commands = 131'072;
inline constexpr std::size_t recent_events = 256;  // per cached conversation
// In all conversations; above it a conversation that changes keeps few of those that the store has.
inline constexpr std::size_t recent_events_total = 500'000;
inline constexpr std::size_t recent_events_few = 4;
inline constexpr std::size_t conversations_cached_max = 100'000;
// What they weigh with their members: a member has about 100 bytes, and a group up to 10,000.
inline constexpr std::size_t conversations_cached_bytes = 256 * 1024 * 1024;
// User records in memory: about 1 KiB each.
inline constexpr std::size_t users_cached_max = 100'000;
inline constexpr std::size_t users_cached_bytes = users_cached_max * 1024;
// Tokens of a host that are remembered of one device, to refuse them when it is revoked (34 bytes
// each). A device renews its token when it ends, so more than two live at a time are rare; if there
// are more, revoking it refuses everybody's tokens that are as old as the forgotten ones.
inline constexpr std::size_t device_tokens_max = 8;
// Waiting for the hasher (about 50 ms each); more: OVERLOADED.
inline constexpr std::size_t password_requests_max = 64;
// log2 of scrypt's N (RFC 7914, r = 8, p = 1): time and memory of one password, 1 MiB at 10,
// 256 MiB at 18. The default takes 32 MiB and about 80 ms on the machines of 2024: OWASP's advice
// for interactive sign-in.
inline constexpr std::uint32_t password_cost_min = 10;
inline constexpr std::uint32_t password_cost_default = 15;
inline constexpr std::uint32_t password_cost_max = 18;
inline constexpr std::uint32_t password_threads_max = 64;
// Handed to a socket at a time; the rest waits in its classes.
inline constexpr std::size_t write_ahead_bytes = 64 * 1024;
// Answers that wait for sockets: of one account (several devices on slow links, each with a page of
// history in flight), of all accounts, and of one account while all have more than that.
inline constexpr std::size_t answers_waiting_of_one = 4 * 1024 * 1024;
inline constexpr std::size_t answers_waiting = 32 * 1024 * 1024;
inline constexpr std::size_t answers_waiting_crowded = 512 * 1024;
// Messages that connections of a shard have begun and not finished; those up to the smaller size, which
// most are, do not count.
inline constexpr std::size_t half_messages = 24 * 1024 * 1024;
inline constexpr std::size_t half_message_small = 4 * 1024;
// Clocks step by themselves by no more; one that is further ahead was wrong.
inline constexpr auto clock_step = 60s;
// Conversations told to a session that was lagging; more: resync.
inline constexpr std::size_t lagging_heads_max = 2'000;
inline constexpr auto close_limit = 2s;  // Client::close(), Server::stop()

}  // namespace kith::limits
