// Engine: joins connection, sync and outbox, and answers the application.
#include "client/engine.h"
#include "client/wire_ids.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/utf8.h"

namespace kith::client {
namespace {

Audience audience_of(v1::Audience wire) {
  return wire == v1::AUDIENCE_UNSPECIFIED ? Audience::kEveryone : static_cast<Audience>(wire);
}

char digit(Audience audience) {
  return static_cast<char>('0' + static_cast<int>(audience));
}

// As the cache keeps them; an earlier release knew three.
std::string kept(const Privacy& p) {
  return {digit(p.online), digit(p.last_seen), p.receipts ? '1' : '0', digit(p.group_adds),
          digit(p.first_messages)};
}
Privacy privacy_of(const std::string& kept) {
  Privacy p;
  if (kept.size() < 3) return p;
  const auto audience = [&](std::size_t at) { return static_cast<Audience>(kept[at] - '0'); };
  p.online = audience(0);
  p.last_seen = audience(1);
  p.receipts = kept[2] == '1';
  if (kept.size() < 5) return p;
  p.group_adds = audience(3);
  p.first_messages = audience(4);
  return p;
}

}  // namespace

Engine::Engine(EngineOptions options, Scheduler& scheduler, Random& random,
               TransportFactory& transports, CacheStore& store, std::function<void(Event)> emit)
    : options_(std::move(options)),
      scheduler_(scheduler),
      random_(random),
      transports_(transports),
      store_(store, [this](const Status& failing) { on_storage(failing); }),
      emit_(std::move(emit)),
      model_(UserId::of(options_.handle), store_, [this](Event event) { told(std::move(event)); }) {
}

Engine::~Engine() {
  alive_.reset();
  for (auto& [key, timer] : typing_) scheduler_.cancel(timer);
  scheduler_.cancel(index_timer_);
  outbox_.reset();  // before the connection, which they use
  sync_.reset();
  connection_.reset();
}

Result<std::unique_ptr<Engine>> Engine::make(EngineOptions options, Scheduler& scheduler,
                                             Random& random, TransportFactory& transports,
                                             CacheStore& store, std::function<void(Event)> emit) {
  if (Status s = check_handle(options.handle); !s) {
    return make_error(ErrorCode::kInvalidArgument, "handle: " + s.error().message);
  }
  std::unique_ptr<Engine> engine(
      new Engine(std::move(options), scheduler, random, transports, store, std::move(emit)));
  if (Status s = engine->load(); !s) return s.error();
  return engine;
}

Status Engine::load() {
  auto content = store_.load();
  if (!content) return content.error();
  if (content->device.empty()) {
    std::array<std::uint8_t, DeviceId::kSize> bytes{};
    random_.fill(bytes.data(), bytes.size());
    content->device = DeviceId(bytes);
    CacheChange change;
    change.device = content->device;
    if (Status s = store_.commit(change); !s) return s;
  }
  model_.load(*content);
  if (Status s = model_.load_hand_marks(options_.acknowledge_by_hand, content->kv); !s) return s;
  read_marks_ = content->read_marks;
  privacy_ = privacy_of(content->kv["privacy"]);
  contacts_ = users_of(content->kv["contacts"]);
  blocked_ = users_of(content->kv["blocked"]);
  connection_ = std::make_unique<Connection>(
      ConnectionOptions{options_.endpoint, options_.agent, content->device, model_.self()},
      scheduler_, random_, transports_, options_.token, *this);
  connection_->server_time().remember(std::strtoll(content->kv["server_ms"].c_str(), nullptr, 10));
  sync_ = std::make_unique<SyncEngine>(
      model_, *connection_, scheduler_, random_,
      SyncEngine::Hooks{
          [this](const std::vector<MessageId>& ids) { outbox_->forget(ids); },
          [this](const v1::UserState& state) { return on_user_state(state); },
          [this](std::int64_t kept_until_ms) { return on_other_history(kept_until_ms); },
          [this] {
            Status kept = keep_run_id();
            if (kept) on_history_known();
            return kept;
          },
          [this] {
            outbox_->settle_placed();
            connection_->caught_up();
          }});
  sync_->load(content->cursor);
  load_run(*content);
  outbox_ = std::make_unique<Outbox>(
      model_, *connection_, scheduler_, random_,
      Outbox::Hooks{
          [this](const std::vector<v1::Event>& events) { sync_->offer(events, true); },
          [this](const ConversationId& id, std::uint64_t seq) { sync_->fetch(id, seq); }});
  outbox_->load(content->outbox);
  model_.set_waiting([this](const ConversationId& id) { return outbox_->rows().newest(id); });
  for (const OutboxRow& row : content->outbox) {
    imagine(row);  // its cache may have been rebuilt
    if (row.kind == OutboxKind::kCreate && row.failed) told(refused_group(row));
  }
  if (content->index_behind) index_older(limits::search_index_pause);
  if (!content->recovered.empty()) told(CacheRecovered{content->recovered});
  return {};
}

// --- what the server says ---

void Engine::on_welcome(const v1::Welcome& welcome) {
  limits_ = server_limits(welcome.limits());
  run_of_server_ = welcome.run_id();
  server_searches_ =
      std::find(welcome.caps().begin(), welcome.caps().end(), "search") != welcome.caps().end();
  CacheChange seen;
  seen.kv["server_ms"] = std::to_string(connection_->server_time().ms());
  (void)store_.commit(seen);  // without it rows are judged by this device's clock alone
  const bool nothing_to_judge = run_id_.empty() && sync_->cursor() == 0;
  if (nothing_to_judge || run_id_ == run_of_server_) (void)keep_run_id();
  const bool same_run = run_id_ == run_of_server_;
  sync_->on_welcome(same_run);
  if (same_run) on_history_known();
  profiles_asked_.clear();
  const std::vector<UserId> watched(watched_.begin(), watched_.end());
  watched_.clear();
  watch_presence(watched);
  refresh_names();
  for (const auto& [id, record] : model_.conversations()) want_profile(record.peer);
}

// Numbers of another history would stand for other messages: nothing that carries one leaves before.
void Engine::on_history_known() {
  if (std::exchange(history_known_, true)) return;
  outbox_->open(limits_);
  send_read_marks();
}

void Engine::on_lost() {
  history_known_ = false;
  sync_->on_lost();
  outbox_->on_lost();
  for (const UserId& user : watched_) emit_(PresenceChanged{user, Presence::kUnknown, {}});
}

void Engine::on_state(ConnectionState state, const Error& reason) {
  emit_(ConnectionChanged{state, reason});
}

void Engine::on_frame(const v1::ServerFrame& frame) {
  switch (frame.body_case()) {
    case v1::ServerFrame::kEventPush:
      sync_->on_event_push(frame.event_push());
      break;
    case v1::ServerFrame::kHeadPush:
      sync_->on_head_push(frame.head_push());
      break;
    case v1::ServerFrame::kFeedNotice:
      sync_->on_feed_notice(frame.feed_notice());
      break;
    case v1::ServerFrame::kPong:
      sync_->on_pong(frame.pong());
      break;
    case v1::ServerFrame::kThrottle:
      outbox_->hold_back(
          std::min<Millis>(Millis(frame.throttle().retry_after_ms()), limits::retry_after_max));
      break;
    case v1::ServerFrame::kReceiptPush:
      if (!history_known_) return sync_->missed_push();
      for (const auto& state : frame.receipt_push().states()) (void)model_.apply_receipt(state);
      break;
    case v1::ServerFrame::kTypingPush: {
      const v1::TypingPush& push = frame.typing_push();
      const Millis ttl = push.ttl_ms() ? std::min<Millis>(Millis(push.ttl_ms()), limits::typing_ttl)
                                       : Millis(limits::typing_ttl);
      on_typing(id_of<ConversationId>(push.conversation_id()), id_of<UserId>(push.user_id()),
                push.activity() == v1::ACTIVITY_TYPING, ttl);
      break;
    }
    case v1::ServerFrame::kPresencePush: {
      const v1::PresencePush& push = frame.presence_push();
      emit_(PresenceChanged{id_of<UserId>(push.user_id()), static_cast<Presence>(push.state()),
                            Timestamp{static_cast<std::int64_t>(push.last_seen_ms())}});
      break;
    }
    default:
      break;  // of a newer release, or the late answer to a request that has been given up
  }
}

void Engine::on_typing(const ConversationId& id, const UserId& user, bool typing, Millis ttl) {
  const auto key = std::make_pair(id, user);
  const auto it = typing_.find(key);
  const bool was = it != typing_.end();
  if (!was && (!typing || typing_.size() >= limits::sync_delta_max)) return;
  if (was) scheduler_.cancel(it->second);
  if (typing) {
    typing_[key] =
        scheduler_.after(ttl, [this, id, user] { on_typing(id, user, false, Millis{0}); });
  } else {
    typing_.erase(it);
  }
  if (typing != was) emit_(TypingChanged{id, user, typing});
}

void Engine::told(Event event) {
  if (auto* changed = std::get_if<MessageChanged>(&event)) {
    want_profile(changed->message.sender);
    const Message& m = changed->message;
    if (m.mine) changed->live = false;  // written here, or on another device of the same person
    const OutboxRow* row =
        m.mine && m.seq && outbox_ ? outbox_->rows().message(m.conversation, m.id) : nullptr;
    if (row) {
      // It was told as new when it was written, and the row tells its place.
      const bool told_already = changed->is_new && row->placed_seq && model_.message_of(*row) == m;
      if (told_already) return;
      changed->is_new = false;
    }
    if (changed->is_new && !changed->message.mine && connection_) {
      on_typing(changed->message.conversation, changed->message.sender, false, Millis{0});
    }
  } else if (const auto* conversation = std::get_if<ConversationChanged>(&event)) {
    want_profile(conversation->conversation.peer);
  }
  emit_(std::move(event));
}

// Told after the change that failed, or did not, is dealt with.
void Engine::on_storage(const Status& failing) {
  StorageChanged event{failing.ok(), failing ? Error{ErrorCode::kCancelled, {}} : failing.error()};
  scheduler_.post([this, event = std::move(event), alive = std::weak_ptr<bool>(alive_)]() mutable {
    if (!alive.expired()) told(std::move(event));
  });
}

Status Engine::on_user_state(const v1::UserState& state) {
  const v1::Settings& s = state.settings();
  std::vector<UserId> contacts, blocked;
  for (const std::string& user : state.contacts()) contacts.push_back(id_of<UserId>(user));
  for (const std::string& user : state.blocked()) blocked.push_back(id_of<UserId>(user));
  if (state.has_profile()) {
    const v1::UserProfile& me = state.profile();
    if (Status kept = model_.put_profiles({{model_.self(), me.handle(), me.display_name()}}); !kept)
      return kept;
  }
  return keep_settings({audience_of(s.online()), audience_of(s.last_seen()), !s.receipts_off(),
                        audience_of(s.group_adds()), audience_of(s.first_messages())},
                       std::move(contacts), std::move(blocked));
}

Status Engine::keep_settings(const Privacy& privacy, std::vector<UserId> contacts,
                             std::vector<UserId> blocked) {
  if (privacy == privacy_ && contacts == contacts_ && blocked == blocked_) return {};
  CacheChange change;
  change.kv["privacy"] = kept(privacy);
  change.kv["contacts"] = bytes_of(contacts);
  change.kv["blocked"] = bytes_of(blocked);
  if (Status s = store_.commit(change); !s) return s;
  privacy_ = privacy;
  contacts_ = std::move(contacts);
  blocked_ = std::move(blocked);
  emit_(SettingsChanged{privacy});
  return {};
}

// --- messages ---

Timestamp Engine::ServersClock::wall() {
  return {engine_.connection_->server_time().told_ms()};
}

std::int64_t Engine::ServersClock::steady_ms() {
  return engine_.scheduler_.clock().steady_ms();
}

// Others see the id, and learn nothing by it: while connected it carries the server's time, as the
// message itself does, so that the server's index grows at its end. Otherwise it is random, for when a
// person writes without a connection is nobody's business, nor is what the device's clock says.
MessageId Engine::next_id() {
  return connection_->ready() ? ids_.next() : random_uuid(random_);
}

Result<MessageId> Engine::send(const ConversationId& to, const std::string& text,
                               const MessageId& reply_to) {
  if (!to.is_direct() && !to.is_group())
    return make_error(ErrorCode::kInvalidArgument, "to: it is the id of no conversation");
  if (to == ConversationId::direct(self(), self()))
    return make_error(ErrorCode::kInvalidArgument, "to: a 1:1 has two people");
  if (text.empty()) return make_error(ErrorCode::kInvalidArgument, "text: it is empty");
  if (!is_utf8(text)) return make_error(ErrorCode::kInvalidArgument, "text: it is not UTF-8");
  v1::Content content;
  content.mutable_plain()->set_text(text);
  v1::OutMessage out;
  const MessageId id = next_id();
  out.set_message_id(id.bytes());
  out.set_content(content.SerializeAsString());
  out.set_seen_seq(model_.top(to));
  if (!reply_to.empty()) {
    if (const auto stored = store_.find_message(to, reply_to)) {
      out.set_reply_to_seq(stored->seq);
    } else if (outbox_->rows().message(to, reply_to)) {
      out.set_reply_to_message_id(reply_to.bytes());
    } else {
      return make_error(ErrorCode::kNotFound, "reply_to: no such message in this conversation");
    }
  }
  if (Status s = check_message(out); !s) return s.error();
  if (out.content().size() > limits_.body_bytes) {
    return make_error(ErrorCode::kTooLarge, "text: this server takes at most " +
                                                std::to_string(limits_.body_bytes) + " bytes");
  }
  OutboxRow row;
  row.order = outbox_->next_order();
  row.conversation = to;
  row.id = id;
  row.payload = out.SerializeAsString();
  row.created_ms = scheduler_.clock().wall().ms;
  row.server_ms = connection_->server_time().told_ms();
  if (const ConversationRecord* known = model_.find(to)) {
    row.peer = known->type == ConversationType::kDirect ? known->peer : UserId();
  } else if (const auto it = peers_.find(to); it != peers_.end()) {
    row.peer = it->second.user;
  }
  if (Status s = outbox_->add(row); !s) return s.error();
  imagine(row);
  return id;
}

// A conversation that is not there yet: only a picture of what the outbox row will bring about.
void Engine::imagine(const OutboxRow& row) {
  const bool group = row.kind == OutboxKind::kCreate;
  if (model_.find(row.conversation) || (row.peer.empty() && !group)) return;
  ConversationRecord record;
  record.id = row.conversation;
  record.last_ts_ms = row.created_ms;
  if (group) {
    v1::CreateConversation create;
    create.ParseFromString(row.payload);
    record.type = ConversationType::kGroup;
    record.title = create.title();
    record.role = MemberRole::kOwner;
    record.member_count = static_cast<std::uint32_t>(create.members_size()) + 1;
  } else {
    record.type = ConversationType::kDirect;
    record.peer = row.peer;
    record.role = MemberRole::kMember;
    record.member_count = 2;
    // Called by the handle until the server has told more.
    const auto it = peers_.find(row.conversation);
    if (it != peers_.end() && !it->second.handle.empty() && !model_.profile(row.peer))
      (void)model_.put_profiles({{row.peer, it->second.handle, ""}});
  }
  (void)model_.put(record);
}

void Engine::history(const ConversationId& id, Seq before, std::size_t limit,
                     Done<std::vector<Message>> done) {
  const ConversationRecord* record = model_.find(id);
  if (!record || limit == 0) {
    done(std::vector<Message>{});
    return;
  }
  limit = std::min(limit, limits::view_items_max);
  const std::uint64_t end =
      before ? std::min(before.value, record->last_seq + 1) : record->last_seq + 1;
  const std::uint64_t from =
      std::max<std::uint64_t>(end > limit ? end - limit : 1, record->floor_seq);
  sync_->fill(id, from, end > 0 ? end - 1 : 0, [=, this, done = std::move(done)] {
    const ConversationRecord* now = model_.find(id);
    const std::uint64_t floor = now ? std::max<std::uint64_t>(now->floor_seq, 1) : end;
    const bool whole = from < end && model_.ranges(id).last_hole(from, end - 1) == 0;
    if (whole && from > floor && model_.messages(id, from, end, 1).empty()) {
      history(id, Seq(from), limit, done);  // all of it is withheld: only the beginning is empty
    } else {
      done(model_.messages(id, 1, end, limit));
    }
  });
}

std::vector<Message> Engine::timeline(const ConversationId& id, std::size_t window) {
  window = std::min(window, limits::view_items_max);
  std::vector<Message> found = model_.with_gaps(id, model_.messages(id, 1, INT64_MAX, window));
  for (const OutboxRow& row : outbox_->rows().of(id)) {
    if (row.kind == OutboxKind::kMessage) found.push_back(model_.message_of(row));
  }
  if (found.size() > window)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(window));
  return found;
}

Status Engine::mark_read(const ConversationId& id, Seq upto) {
  const ConversationRecord* known = model_.find(id);
  if (!known) return make_error(ErrorCode::kNotFound, "no such conversation");
  const std::uint64_t seq = upto ? std::min(upto.value, known->last_seq) : known->last_seq;
  if (seq <= known->read_seq) return {};
  ConversationRecord record = *known;
  record.read_seq = seq;
  if (seq == known->last_seq) {
    record.read_ordinal = known->last_ordinal;
  } else {
    const auto events = store_.events(id, seq, seq + 1, 1);
    if (!events) return events.error();
    if (!events->empty())
      record.read_ordinal = std::max(record.read_ordinal, events->front().ordinal);
  }
  CacheChange change;
  change.read_marks_put[id] = seq;
  if (Status s = store_.commit(change); !s) return s;
  read_marks_[id] = seq;
  if (Status s = model_.put(record); !s) return s;
  send_read_mark(id);
  return {};
}

Status Engine::acknowledge(const ConversationId& id, Seq upto) {
  if (Status s = model_.dealt_with(id, upto.value); !s) return s;
  sync_->note_ack(id);
  return {};
}

std::vector<Message> Engine::unacknowledged() {
  std::vector<Message> found;
  const auto marks = model_.hand_marks().all();
  for (const auto& [id, mark] : marks) {
    const std::uint64_t top = model_.ranges(id).top();
    const std::size_t before = found.size();
    for (std::uint64_t from = mark.upto + 1; from <= top && found.size() == before;) {
      const std::uint64_t end = from + limits::page_events_max;
      for (Message& m : model_.messages(id, from, end, limits::page_events_max)) {
        if (!m.mine) found.push_back(std::move(m));
      }
      from = end;
    }
    if (found.size() == before) (void)acknowledge(id, Seq(top));  // one's own, or withheld
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Message& a, const Message& b) { return a.time.ms < b.time.ms; });
  return found;
}

void Engine::send_read_marks() {
  for (const auto& [id, seq] : read_marks_) send_read_mark(id);
}

void Engine::send_read_mark(const ConversationId& id) {
  const auto it = read_marks_.find(id);
  if (it == read_marks_.end() || !connection_->ready() || !history_known_) return;
  v1::ClientFrame frame;
  frame.mutable_mark_read()->set_conversation_id(id.bytes());
  frame.mutable_mark_read()->set_upto_seq(it->second);
  connection_->request(
      frame, [this, id, seq = it->second](const v1::ServerFrame* answer, const Error& error) {
        const auto mark = read_marks_.find(id);
        if (mark == read_marks_.end() || mark->second != seq) return;
        if (!answer && error.retry() != Retry::kNever) {
          if (error.code == ErrorCode::kOffline) return;
          scheduler_.after(Millis(std::max<std::uint32_t>(error.retry_after_ms, 2000)),
                           [this, id, alive = std::weak_ptr<bool>(alive_)] {
                             if (!alive.expired()) send_read_mark(id);
                           });
          return;
        }
        CacheChange change;
        change.read_marks_remove.push_back(id);
        if (store_.commit(change)) read_marks_.erase(mark);
      });
}

void Engine::set_typing(const ConversationId& id, bool typing) {
  if (!connection_->ready()) return;
  const std::int64_t now = scheduler_.clock().steady_ms();
  const auto it = typing_sent_.find(id);
  if (typing && it != typing_sent_.end() &&
      now - it->second < Millis(limits::typing_interval).count())
    return;
  if (!typing && it == typing_sent_.end()) return;
  if (typing) {
    typing_sent_[id] = now;
  } else {
    typing_sent_.erase(it);
  }
  v1::ClientFrame frame;
  frame.mutable_set_typing()->set_conversation_id(id.bytes());
  frame.mutable_set_typing()->set_activity(typing ? v1::ACTIVITY_TYPING : v1::ACTIVITY_STOPPED);
  connection_->send(frame);
}

// --- conversations ---

std::vector<Conversation> Engine::conversations(std::size_t limit) {
  struct Place {
    std::int64_t waiting;  // just written and on its way: above all others, whatever clocks say
    std::int64_t time;
    const ConversationRecord* record;
  };
  std::vector<Place> order;
  for (const auto& [id, record] : model_.conversations()) {
    if (record.last_seq == 0 && !outbox_->rows().has(id)) continue;
    const OutboxRow* row = outbox_->rows().newest(id);
    order.push_back({row && !row->failed ? row->order : 0, record.last_ts_ms, &record});
  }
  std::sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
    return std::tie(b.waiting, b.time, a.record->id) < std::tie(a.waiting, a.time, b.record->id);
  });
  if (order.size() > limit) order.resize(limit);
  std::vector<Conversation> found;
  found.reserve(order.size());
  for (const Place& place : order) found.push_back(model_.conversation_of(*place.record));
  return found;
}

ConversationId Engine::direct(const UserId& peer) {
  const ConversationId id = ConversationId::direct(model_.self(), peer);
  if (!model_.find(id)) {
    peers_[id].user = peer;
    want_profile(peer);
  }
  return id;
}

ConversationId Engine::direct(const std::string& handle) {
  const ConversationId id = direct(UserId::of(handle));
  if (const auto it = peers_.find(id); it != peers_.end()) it->second.handle = handle;
  return id;
}

Result<ConversationId> Engine::create_group(const std::string& title,
                                            const std::vector<UserId>& members) {
  if (Status s = check_title(title); !s) return s.error();
  const ConversationId id = ConversationId::group(random_);
  v1::ClientFrame frame;
  v1::CreateConversation& create = *frame.mutable_create_conversation();
  const MessageId command = next_id();
  create.set_conversation_id(id.bytes());
  create.set_command_id(command.bytes());
  create.set_title(title);
  const std::set<UserId> others(members.begin(), members.end());
  for (const UserId& user : others) {
    if (user != model_.self()) create.add_members(user.bytes());
  }
  if (Status s = validate(frame); !s) return s.error();
  OutboxRow row;
  row.order = outbox_->next_order();
  row.conversation = id;
  row.id = command;
  row.kind = OutboxKind::kCreate;
  row.payload = create.SerializeAsString();
  row.created_ms = scheduler_.clock().wall().ms;
  row.server_ms = connection_->server_time().told_ms();
  if (Status s = outbox_->add(row); !s) return s.error();
  imagine(row);
  return id;
}

}  // namespace kith::client
