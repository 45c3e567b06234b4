// Replica: what a Welcome, a push and another history of the server mean for what is held.
#include "client/replica.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {

Replica::Replica(ConnectionOptions options, TokenProvider token, Scheduler& scheduler,
                 Random& random, TransportFactory& transports, CacheStore& store, Hooks hooks)
    : scheduler_(scheduler),
      hooks_(std::move(hooks)),
      store_(store, [this](const Status& failing) { on_storage(failing); }),
      model_(options.self, store_, hooks_.emit),
      numbers_(scheduler.clock()),
      connection_(std::move(options), scheduler, random, transports, std::move(token), *this),
      sync_(model_, connection_, scheduler, random, sync_hooks()),
      outbox_(model_, connection_, scheduler, random,
              {[this](const std::vector<v1::Event>& events) { sync_.offer(events, true); },
               [this](const ConversationId& id, std::uint64_t seq) { sync_.fetch(id, seq); }}),
      run_(model_),
      lost_(model_, outbox_, connection_.server_time()),
      read_marks_(model_, connection_, scheduler),
      new_conversations_(model_) {
  model_.shown().set_waiting(
      [this](const ConversationId& id) { return outbox_.rows().newest(id); });
}

SyncEngine::Hooks Replica::sync_hooks() {
  return {[this](const std::vector<MessageId>& ids) { outbox_.forget(ids); }, hooks_.user_state,
          [this](std::int64_t kept_until_ms) { return on_other_history(kept_until_ms); },
          [this] {
            Status kept = run_.keep();
            if (kept) on_history_known();
            return kept;
          },
          [this] {
            outbox_.settle_placed();
            connection_.caught_up();
          }};
}

Status Replica::load(const CacheContent& content, bool acknowledge_by_hand) {
  model_.load(content);
  if (Status s = model_.load_hand_marks(acknowledge_by_hand, content.kv); !s) return s;
  if (const auto it = content.kv.find("server_ms"); it != content.kv.end())
    connection_.server_time().remember(std::strtoll(it->second.c_str(), nullptr, 10));
  if (const auto it = content.kv.find("connect_no"); it != content.kv.end())
    numbers_.remember(std::strtoull(it->second.c_str(), nullptr, 10));
  read_marks_.load(content.read_marks);
  sync_.load(content.cursor);
  run_.load(content);
  outbox_.load(content.outbox);
  for (const OutboxRow& row : content.outbox) {
    new_conversations_.add_placeholder(row);  // its cache may have been rebuilt
    if (row.kind == OutboxKind::kCreate && row.failed) hooks_.emit(refused_group(row));
  }
  return {};
}

void Replica::on_welcome(const v1::Welcome& welcome) {
  limits_ = server_limits(welcome.limits());
  CacheChange seen;
  seen.kv["server_ms"] = std::to_string(connection_.server_time().ms());
  seen.kv["connect_no"] = std::to_string(numbers_.last());
  (void)store_.commit(seen);  // without it rows and Hellos are judged by this device's clock alone
  const bool same_run = run_.on_welcome(welcome.run_id(), sync_.cursor() == 0);
  sync_.on_welcome(same_run);
  if (same_run) on_history_known();
  hooks_.welcomed(welcome);
}

// Numbers of another history would stand for other messages: nothing that carries one leaves before.
void Replica::on_history_known() {
  if (std::exchange(history_known_, true)) return;
  outbox_.open(limits_);
  read_marks_.open();
}

void Replica::on_lost() {
  history_known_ = false;
  read_marks_.close();
  sync_.on_lost();
  outbox_.on_lost();
  hooks_.lost();
}

void Replica::on_state(ConnectionState state, const Error& reason) {
  hooks_.emit(ConnectionChanged{state, reason});
}

void Replica::on_frame(const v1::ServerFrame& frame) {
  switch (frame.body_case()) {
    case v1::ServerFrame::kEventPush:
      return sync_.on_event_push(frame.event_push());
    case v1::ServerFrame::kHeadPush:
      return sync_.on_head_push(frame.head_push());
    case v1::ServerFrame::kFeedNotice:
      return sync_.on_feed_notice(frame.feed_notice());
    case v1::ServerFrame::kPong:
      return sync_.on_pong(frame.pong());
    case v1::ServerFrame::kThrottle:
      return outbox_.hold_back(
          std::min<Millis>(Millis(frame.throttle().retry_after_ms()), limits::retry_after_max));
    case v1::ServerFrame::kReceiptPush:
      if (!history_known_) return sync_.missed_push();
      for (const auto& state : frame.receipt_push().states()) (void)model_.apply_receipt(state);
      return;
    default:
      return hooks_.pushed(frame);
  }
}

// Mends the rows that wait first: a device that dies in between mends them again, with the same outcome.
Status Replica::on_other_history(std::int64_t kept_until_ms) {
  if (Status s = lost_.send_again(kept_until_ms); !s) return s;
  if (Status s = run_.change(read_marks_.waiting()); !s) return s;
  read_marks_.clear();
  outbox_.forget_places();
  for (const OutboxRow& row : outbox_.rows().all()) new_conversations_.add_placeholder(row);
  hooks_.emit(CacheRecovered{"the server was restored from an older copy"});
  on_history_known();
  return {};
}

// Emitted after the change that failed, or did not, is dealt with.
void Replica::on_storage(const Status& failing) {
  StorageChanged event{failing.ok(), failing ? Error{ErrorCode::kCancelled, {}} : failing.error()};
  scheduler_.post(guard_.wrap([this, event = std::move(event)] { hooks_.emit(event); }));
}

}  // namespace kith::client
