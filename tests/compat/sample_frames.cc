// Builds the sample frames. Never changed after a release: a later release adds a directory of its
// own.
#include "tests/compat/sample_frames.h"

#include "kith/core/ids.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::test {
namespace {

const std::string kAlice = UserId::of("alice").bytes();
const std::string kBob = UserId::of("bob").bytes();
const std::string kDevice(16, 'd');
const std::string kChat = ConversationId::direct(UserId::of("alice"), UserId::of("bob")).bytes();
const std::string kGroup = ConversationId::parse("3d813cbb47fb42ba9f9831c9c1a4f0d2")->bytes();
const std::string kUuid = MessageId::parse("018bcfe568007abc8123456789abcdef")->bytes();
const std::string kOtherUuid = MessageId::parse("018bcfe568017abc8123456789abcdef")->bytes();
constexpr std::uint64_t kTime = 1'700'000'000'000;

std::string content() {
  v1::Content c;
  c.mutable_plain()->set_text("Grüße, \xf0\x9f\x98\x80");
  c.mutable_plain()->set_format("markdown");
  c.mutable_plain()->set_extra("extra");
  return c.SerializeAsString();
}

class Samples {
 public:
  // The next client frame of the schema; complete when the next one is begun.
  v1::ClientFrame& client(const std::string& name) {
    flush();
    name_ = "client_" + name;
    client_.set_req_id(++req_id_);
    return client_;
  }
  v1::ServerFrame& server(const std::string& name) {
    flush();
    name_ = "server_" + name;
    server_.set_reply_to(++req_id_);
    return server_;
  }
  std::vector<Sample> take() {
    flush();
    return std::move(out_);
  }

 private:
  void flush() {
    if (!name_.empty()) {
      out_.push_back({name_, name_[0] == 'c' ? encode(client_).value() : encode(server_).value()});
    }
    client_.Clear();
    server_.Clear();
  }
  std::string name_;
  std::uint64_t req_id_ = 0;
  v1::ClientFrame client_;
  v1::ServerFrame server_;
  std::vector<Sample> out_;
};

void session_requests(Samples& s) {
  auto* hello = s.client("hello").mutable_hello();
  hello->set_major(1);
  hello->add_caps("presence");
  hello->add_caps("receipts");
  hello->set_device_id(kDevice);
  hello->set_access_token("token");
  hello->set_cursor(700);
  hello->set_state(v1::CLIENT_STATE_FOREGROUND);
  hello->set_agent("kith-cpp/0.1.0 linux");
  hello->set_locale("en");
  auto* resume = s.client("hello_resume").mutable_hello();
  resume->set_major(1);
  resume->set_device_id(kDevice);
  resume->set_resume_ticket("ticket");
  auto* ping = s.client("ping").mutable_ping();
  ping->set_t(1);
  ping->set_cursor(700);
  ping->set_state(v1::CLIENT_STATE_BACKGROUND);
  auto* goodbye = s.client("goodbye").mutable_goodbye();
  goodbye->set_reason(v1::GOODBYE_REASON_NORMAL);
  goodbye->set_detail("closing");
  auto* reg = s.client("register").mutable_register_();
  reg->set_handle("alice");
  reg->set_password("correct horse");
  reg->set_display_name("Alice");
  reg->set_device_id(kDevice);
  auto* sign_in = s.client("sign_in").mutable_sign_in();
  sign_in->set_handle("alice");
  sign_in->set_password("correct horse");
  sign_in->set_device_id(kDevice);
  s.client("renew_token").mutable_renew_token()->set_access_token("token");
}

void conversation_requests(Samples& s) {
  auto* send = s.client("send").mutable_send();
  send->set_conversation_id(kChat);
  send->set_direct_peer(kBob);
  auto* item = send->add_items();
  item->set_message_id(kUuid);
  item->set_attempt(1);
  item->set_content(content());
  item->set_reply_to_seq(41);
  item->set_seen_seq(41);
  item->add_mentions(kBob);
  item->set_client_ts_ms(kTime);
  item = send->add_items();
  item->set_message_id(kOtherUuid);
  item->set_content(content());
  item->set_reply_to_message_id(kUuid);
  auto* ack = s.client("ack_events").mutable_ack_events()->add_upto();
  ack->set_conversation_id(kChat);
  ack->set_seq(42);
  auto* read = s.client("mark_read").mutable_mark_read();
  read->set_conversation_id(kChat);
  read->set_upto_seq(42);
  auto* sync = s.client("sync").mutable_sync();
  sync->set_cursor(700);
  sync->set_window(50);
  sync->set_page_token("page");
  sync->set_snapshot(true);
  auto* head = sync->add_large_heads();
  head->set_conversation_id(kGroup);
  head->set_seq(42);
  auto* get = s.client("get_events").mutable_get_events();
  get->set_conversation_id(kChat);
  get->set_from(1);
  get->set_to(42);
  get->set_limit(200);
  get->set_newest(true);
  auto* readers = s.client("get_readers").mutable_get_readers();
  readers->set_conversation_id(kChat);
  readers->set_seq(42);
  auto* typing = s.client("set_typing").mutable_set_typing();
  typing->set_conversation_id(kChat);
  typing->set_activity(v1::ACTIVITY_TYPING);
  s.client("set_presence").mutable_set_presence()->set_active(true);
  auto* watch = s.client("presence_subscribe").mutable_presence_subscribe();
  watch->add_add(kBob);
  watch->add_remove(kAlice);
  auto* create = s.client("create_conversation").mutable_create_conversation();
  create->set_conversation_id(kGroup);
  create->set_command_id(kUuid);
  create->set_title("Friends");
  create->add_members(kBob);
  create->set_attempt(1);
  auto* change = s.client("member_change").mutable_member_change();
  change->set_conversation_id(kGroup);
  change->set_command_id(kUuid);
  change->set_kind(v1::MEMBER_CHANGE_KIND_SET_ROLE);
  change->add_users(kBob);
  change->set_role(v1::MEMBER_ROLE_ADMIN);
  change->set_attempt(1);
  auto* meta = s.client("update_meta").mutable_update_meta();
  meta->set_conversation_id(kGroup);
  meta->set_command_id(kUuid);
  meta->set_title("Best friends");
  meta->set_attempt(1);
  auto* members = s.client("get_members").mutable_get_members();
  members->set_conversation_id(kChat);
  members->set_page_token("page");
  members->set_limit(1000);
}

void people_requests(Samples& s) {
  auto* settings = s.client("update_settings").mutable_update_settings()->mutable_settings();
  settings->set_online(v1::AUDIENCE_CONTACTS);
  settings->set_last_seen(v1::AUDIENCE_NOBODY);
  settings->set_receipts_off(true);
  auto* contacts = s.client("update_contacts").mutable_update_contacts();
  contacts->add_add(kBob);
  contacts->add_remove(kAlice);
  contacts->add_block(kBob);
  contacts->add_unblock(kAlice);
  auto* users = s.client("get_users").mutable_get_users();
  users->add_user_ids(kBob);
  users->add_handles("bob");
  s.client("get_devices").mutable_get_devices();
  s.client("revoke_device").mutable_revoke_device()->set_device_id(kDevice);
  s.client("update_profile").mutable_update_profile()->set_display_name("Alice A.");
}

void session_replies(Samples& s) {
  auto* welcome = s.server("welcome").mutable_welcome();
  welcome->set_session_id(std::string(16, 's'));
  welcome->add_caps("receipts");
  welcome->set_server_time_ms(kTime);
  welcome->set_heartbeat_s(30);
  auto* limits = welcome->mutable_limits();
  limits->set_frame_bytes_max(65536);
  limits->set_body_bytes_max(8192);
  limits->set_batch_items_max(16);
  limits->set_group_members_max(10000);
  limits->set_presence_subscriptions_max(128);
  welcome->set_resume_ticket("ticket");
  welcome->set_feed_high(731);
  welcome->set_user_id(kAlice);
  auto* pong = s.server("pong").mutable_pong();
  pong->set_t(1);
  pong->set_server_time_ms(kTime);
  pong->set_feed_high(731);
  pong->set_resync(true);
  auto* goodbye = s.server("goodbye").mutable_goodbye();
  goodbye->set_reason(v1::GOODBYE_REASON_DRAIN);
  goodbye->set_retry_after_ms(1500);
  auto* in = s.server("signed_in").mutable_signed_in();
  in->set_user_id(kAlice);
  in->set_access_token("token");
  in->set_expires_ms(kTime);
  s.server("ack").mutable_ack();
  auto* error = s.server("error").mutable_error();
  error->set_code(v1::ERROR_CODE_RATE_LIMITED);
  error->set_retryable(true);
  error->set_retry_after_ms(1500);
  error->set_detail("slow down");
  error->set_item_id(kUuid);
  error->set_minor_minimum(1);
  auto* throttle = s.server("throttle").mutable_throttle();
  throttle->set_scope("send");
  throttle->set_retry_after_ms(1500);
}

void fill(v1::Event* event) {
  event->set_conversation_id(kChat);
  event->set_seq(42);
  event->set_kind(v1::EVENT_KIND_MESSAGE);
  event->set_message_id(kUuid);
  event->set_sender(kAlice);
  event->set_sender_device(kDevice);
  event->set_server_ts_ms(kTime);
  event->set_ordinal(40);
  event->set_countable(true);
  event->set_body(content());
  event->set_reply_to_seq(41);
  event->add_mentions(kBob);
  event->set_client_ts_ms(kTime);
}

void fill(v1::Placed* placed) {
  placed->set_seq(42);
  placed->set_server_ts_ms(kTime);
  placed->set_ordinal(40);
  placed->set_duplicate(true);
}

void conversation_replies(Samples& s) {
  auto* result = s.server("send_result").mutable_send_result();
  result->set_conversation_id(kChat);
  auto* item = result->add_items();
  item->set_message_id(kUuid);
  fill(item->mutable_placed());
  item = result->add_items();
  item->set_message_id(kOtherUuid);
  item->mutable_error()->set_code(v1::ERROR_CODE_EXPIRED);
  fill(s.server("event_push").mutable_event_push()->add_events());
  v1::MembershipBody created;
  created.set_kind(v1::MEMBER_CHANGE_KIND_ADD);
  created.add_users(kBob);
  created.set_role(v1::MEMBER_ROLE_MEMBER);
  created.set_created(true);
  created.set_type(v1::CONVERSATION_TYPE_GROUP);
  created.set_title("Friends");
  auto* membership = s.server("event_push_membership").mutable_event_push()->add_events();
  fill(membership);
  membership->set_kind(v1::EVENT_KIND_MEMBERSHIP);
  membership->set_body(created.SerializeAsString());
  auto* head = s.server("head_push").mutable_head_push();
  head->set_conversation_id(kChat);
  head->set_last_seq(42);
  head->set_ordinal(40);
  auto* page = s.server("events_page").mutable_events_page();
  page->set_conversation_id(kChat);
  fill(page->add_events());
  page->set_floor_seq(1);
  page->set_last_seq(42);
  fill(s.server("placed").mutable_placed());
  auto* members = s.server("members_page").mutable_members_page();
  members->set_conversation_id(kChat);
  auto* member = members->add_members();
  member->set_user_id(kBob);
  member->set_role(v1::MEMBER_ROLE_OWNER);
  member->set_join_seq(1);
  members->set_roster_ver(1);
  members->set_page_token("page");
  members->set_more(true);
}

void sync_replies(Samples& s) {
  auto* sync = s.server("sync_page").mutable_sync_page();
  auto* state = sync->add_changed();
  state->set_conversation_id(kChat);
  state->set_type(v1::CONVERSATION_TYPE_DIRECT);
  state->set_entry_ver(731);
  state->set_last_seq(42);
  state->set_last_ordinal(40);
  state->set_last_ts_ms(kTime);
  state->set_title("Friends");
  state->set_roster_ver(1);
  state->set_direct_peer(kBob);
  state->set_role(v1::MEMBER_ROLE_MEMBER);
  state->set_join_seq(1);
  state->set_read_seq(41);
  state->set_read_ordinal(39);
  state->set_delivered_seq(42);
  state->set_delivered_all_seq(42);
  state->set_read_all_seq(41);
  state->set_read_any_seq(41);
  state->set_member_count(2);
  state->set_large(true);
  fill(state->mutable_preview());
  sync->set_next_cursor(731);
  sync->set_page_token("page");
  sync->set_more(true);
  auto* user = sync->mutable_user_state();
  user->mutable_settings()->set_online(v1::AUDIENCE_EVERYONE);
  user->add_contacts(kBob);
  user->add_blocked(kAlice);
  user->mutable_profile()->set_user_id(kAlice);
  user->mutable_profile()->set_handle("alice");
  user->mutable_profile()->set_display_name("Alice");
  auto* reset = s.server("sync_reset").mutable_sync_reset();
  reset->set_reason(v1::SYNC_RESET_REASON_HORIZON);
  reset->set_snapshot_cursor(900);
  auto* readers = s.server("readers_page").mutable_readers_page();
  auto* mark = readers->add_members();
  mark->set_user_id(kBob);
  mark->set_delivered_seq(42);
  mark->set_read_seq(41);
  readers->set_read_count(1);
  readers->set_delivered_count(1);
  readers->set_member_count(2);
  auto* receipt = s.server("receipt_push").mutable_receipt_push()->add_states();
  receipt->set_conversation_id(kChat);
  receipt->set_delivered_all_seq(42);
  receipt->set_read_all_seq(41);
  receipt->set_read_any_seq(41);
  auto* notice = s.server("feed_notice").mutable_feed_notice();
  notice->set_ver(731);
  notice->set_conversation_id(kChat);
  notice->set_last_seq(42);
}

void people_replies(Samples& s) {
  auto* typing = s.server("typing_push").mutable_typing_push();
  typing->set_conversation_id(kChat);
  typing->set_user_id(kBob);
  typing->set_activity(v1::ACTIVITY_TYPING);
  typing->set_ttl_ms(5000);
  auto* presence = s.server("presence_push").mutable_presence_push();
  presence->set_user_id(kBob);
  presence->set_state(v1::PRESENCE_STATE_OFFLINE);
  presence->set_last_seen_ms(kTime);
  auto* profile = s.server("users_page").mutable_users_page()->add_users();
  profile->set_user_id(kBob);
  profile->set_handle("bob");
  profile->set_display_name("Bob");
  auto* device = s.server("devices_page").mutable_devices_page()->add_devices();
  device->set_device_id(kDevice);
  device->set_agent("kith-cpp/0.1.0 linux");
  device->set_last_seen_ms(kTime);
  device->set_online(true);
  device->set_current(true);
}

// Last: earlier samples keep their numbers.
void search_frames(Samples& s) {
  auto* search = s.client("search").mutable_search();
  search->set_query("lunch at \"the harbour\"");
  search->set_conversation_id(kChat);
  search->set_before(700);
  search->set_limit(20);
  auto* found = s.server("search_page").mutable_search_page();
  auto* hit = found->add_hits();
  fill(hit->mutable_event());
  hit->set_place(700);
  found->set_more(true);
}

}  // namespace

std::vector<Sample> sample_frames() {
  Samples samples;
  session_requests(samples);
  conversation_requests(samples);
  people_requests(samples);
  session_replies(samples);
  conversation_replies(samples);
  sync_replies(samples);
  people_replies(samples);
  search_frames(samples);
  return samples.take();
}

}  // namespace kith::test
