// Cost of the client's outbox: adding a message, taking batches out to send them, closing a batch
// that the server has placed; with nothing else waiting and with a full outbox, on no store and on
// SQLite.
#include <benchmark/benchmark.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "benchmarks/micro/places.h"
#include "client/cache_store_sqlite.h"
#include "client/outbox.h"
#include "client/sync_engine.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::bench {
namespace {

constexpr std::int64_t kBatch = limits::batch_items_max;
constexpr std::int64_t kFull = limits::outbox_messages_max;
constexpr std::int64_t kMany = 1'000;  // conversations that share a full outbox
constexpr std::int64_t kNowMs = 1'700'000'000'000;

// Time stands still: no timer fires, and tasks run when the benchmark wants it.
class StillScheduler : public Scheduler, public Clock {
 public:
  Clock& clock() override { return *this; }
  Timestamp wall() override { return {kNowMs}; }
  std::int64_t steady_ms() override { return 1'000; }
  void post(std::function<void()> task) override { posted_.push_back(std::move(task)); }
  TimerId after(Millis, std::function<void()>) override { return ++last_; }
  void cancel(TimerId) override {}
  void settle() {
    for (const auto& task : std::exchange(posted_, {})) task();
  }

 private:
  std::vector<std::function<void()>> posted_;
  TimerId last_ = 0;
};

// Keeps what the client says.
class Wire : public client::TransportFactory {
 public:
  std::unique_ptr<client::Transport> open(const client::Endpoint&,
                                          client::TransportListener& to) override {
    listener = &to;
    return std::make_unique<Socket>(*this);
  }
  client::TransportListener* listener = nullptr;
  std::deque<std::string> said;

 private:
  struct Socket : client::Transport {
    explicit Socket(Wire& wire) : said(wire.said) {}
    void send(std::string message) override { said.push_back(std::move(message)); }
    [[nodiscard]] std::size_t buffered() const override { return 0; }
    void close(std::uint16_t) override {}
    std::deque<std::string>& said;
  };
};

class NoStore : public client::CacheStore {
 public:
  Result<client::CacheContent> load() override { return client::CacheContent(); }
  Status commit(const client::CacheChange&) override { return {}; }
  Result<std::vector<client::StoredEvent>> events(const ConversationId&, std::uint64_t,
                                                  std::uint64_t, std::size_t) override {
    return std::vector<client::StoredEvent>();
  }
  std::optional<client::StoredEvent> find_message(const ConversationId&,
                                                  const MessageId&) override {
    return std::nullopt;
  }
  Result<std::vector<client::FoundEvent>> search(const client::SearchRequest&) override {
    return std::vector<client::FoundEvent>();
  }
  Result<bool> index_more(std::size_t) override { return false; }
};

// Outbox, model, sync and connection, joined as the engine does it, and a server played by hand.
class Desk : public client::ConnectionListener {
 public:
  Desk(client::CacheStore& store, std::int64_t conversations)
      : store_(store),
        conversations_(conversations),
        model_(self_, store, [](const client::Event&) {}),
        connection_(
            {{"ws://bench", ""}, "bench", device_, self_}, scheduler_, system_random(), wire_,
            [](const auto& done) { done(std::string("token")); }, *this),
        sync_(model_, connection_, scheduler_, system_random(), sync_hooks()),
        outbox_(model_, connection_, scheduler_, system_random(),
                {[this](const std::vector<v1::Event>& events) { sync_.offer(events, true); },
                 [](const ConversationId&, std::uint64_t) {}}) {
    model_.shown().set_waiting([this](const ConversationId& id) { return outbox_.rows().newest(id); });
    client::CacheContent content;
    for (std::int64_t n = 0; n < conversations; ++n) {
      client::ConversationRecord record;
      record.id = conversation_of(static_cast<std::uint64_t>(n));
      record.type = ConversationType::kDirect;
      content.conversations[record.id] = record;
    }
    model_.load(content);
  }

  [[nodiscard]] client::Outbox& outbox() { return outbox_; }

  // The next message; conversations take turns.
  client::OutboxRow next_row() {
    return row_to(conversation_of(static_cast<std::uint64_t>(made_ % conversations_)));
  }
  client::OutboxRow row_to(const ConversationId& to) {
    client::OutboxRow row;
    row.order = ++made_;
    row.conversation = to;
    row.id = message_id_of(static_cast<std::uint64_t>(row.order));
    v1::OutMessage message;
    v1::Content content;
    content.mutable_plain()->set_text(std::string(100, 'x'));
    message.set_message_id(row.id.bytes());
    message.set_content(content.SerializeAsString());
    message.set_client_ts_ms(kNowMs);
    row.payload = message.SerializeAsString();
    row.created_ms = kNowMs;
    return row;
  }
  std::vector<client::OutboxRow> next_rows(std::int64_t count) {
    std::vector<client::OutboxRow> rows;
    for (std::int64_t n = 0; n < count; ++n) rows.push_back(next_row());
    return rows;
  }
  // As they lie there after a start.
  bool fill(const std::vector<client::OutboxRow>& rows) {
    client::CacheChange change;
    change.outbox_put = rows;
    outbox_.load(rows);
    return store_.commit(change).ok();
  }
  bool take_out(const std::vector<client::OutboxRow>& rows) {
    client::CacheChange change;
    for (const client::OutboxRow& row : rows) change.outbox_remove.push_back(row.id);
    outbox_.forget(change.outbox_remove);
    return store_.commit(change).ok();
  }

  // Another session, of which the outbox does not know yet.
  void sign_in() {
    connection_.stop();
    connection_.start();
    scheduler_.settle();  // a token
    wire_.listener->on_open();
    wire_.said.clear();
    v1::ServerFrame frame;
    v1::Welcome& welcome = *frame.mutable_welcome();
    welcome.set_session_id(std::string(16, 's'));
    welcome.set_user_id(self_.bytes());
    welcome.set_resume_ticket("ticket");
    welcome.set_heartbeat_s(30);
    wire_.listener->on_message(*encode(frame));
    scheduler_.settle();
  }
  // Batches that wait for their answer, the oldest first.
  std::deque<v1::ClientFrame> batches() {
    for (const std::string& bytes : std::exchange(wire_.said, {})) {
      auto frame = decode_client_frame(bytes);
      if (frame && frame->has_send()) batches_.push_back(std::move(*frame));
    }
    return std::exchange(batches_, {});
  }
  void keep(std::deque<v1::ClientFrame> batches) { batches_ = std::move(batches); }
  // The server's answer when it has placed a batch.
  std::string answer_to(const v1::ClientFrame& batch) {
    v1::ServerFrame frame;
    frame.set_reply_to(batch.req_id());
    v1::SendResult& result = *frame.mutable_send_result();
    result.set_conversation_id(batch.send().conversation_id());
    std::uint64_t& seq = seqs_[batch.send().conversation_id()];
    for (const v1::OutMessage& item : batch.send().items()) {
      v1::ItemResult& placed = *result.add_items();
      placed.set_message_id(item.message_id());
      placed.mutable_placed()->set_seq(++seq);
      placed.mutable_placed()->set_ordinal(seq);
      placed.mutable_placed()->set_server_ts_ms(kNowMs);
    }
    return *encode(frame);
  }
  void hear(const std::string& bytes) { wire_.listener->on_message(bytes); }
  void settle() { scheduler_.settle(); }

 private:
  client::SyncEngine::Hooks sync_hooks() {
    return {[this](const std::vector<MessageId>& ids) { outbox_.forget(ids); },
            [](const v1::UserState&) { return Status(); }, [](std::int64_t) { return Status(); },
            [] { return Status(); }, [] {}};
  }
  std::uint64_t feed_cursor() override { return 0; }
  std::string run_id() override { return {}; }
  std::uint64_t next_connect_no() override { return 1; }
  void on_welcome(const v1::Welcome&) override {}
  void on_frame(const v1::ServerFrame&) override {}
  void on_lost() override {
    sync_.on_lost();
    outbox_.on_lost();
  }
  void on_state(client::ConnectionState, const Error&) override {}

  const UserId self_ = UserId::of("a1");
  const DeviceId device_{std::array<std::uint8_t, DeviceId::kSize>{7}};
  client::CacheStore& store_;
  const std::int64_t conversations_;
  StillScheduler scheduler_;
  Wire wire_;
  client::Model model_;
  client::Connection connection_;
  client::SyncEngine sync_;
  client::Outbox outbox_;
  std::int64_t made_ = 0;
  std::deque<v1::ClientFrame> batches_;
  std::map<std::string, std::uint64_t> seqs_;
};

// The store of one benchmark, and its directory.
struct Place {
  explicit Place(bool sqlite) {
    if (!sqlite) {
      store = std::make_unique<NoStore>();
    } else if (auto opened = client::open_cache_store_sqlite(directory.path())) {
      store = std::move(*opened);
    }
  }
  ScratchDirectory directory;
  std::unique_ptr<client::CacheStore> store;
};

// Sixteen messages written while the device is offline.
void outbox_add(benchmark::State& state, bool sqlite) {
  const Place place(sqlite);
  if (!place.store) return state.SkipWithError("no cache");
  Desk desk(*place.store, state.range(1));
  if (!desk.fill(desk.next_rows(state.range(0)))) return state.SkipWithError("not filled");
  for (auto _ : state) {
    state.PauseTiming();
    const auto rows = desk.next_rows(kBatch);
    state.ResumeTiming();
    for (const client::OutboxRow& row : rows) {
      if (!desk.outbox().add(row)) state.SkipWithError("not added");
    }
    state.PauseTiming();
    if (!desk.take_out(rows)) state.SkipWithError("not taken out");
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

// A session begins: as much goes out as may be under way.
void outbox_take(benchmark::State& state, bool sqlite) {
  const Place place(sqlite);
  if (!place.store) return state.SkipWithError("no cache");
  Desk desk(*place.store, state.range(1));
  if (!desk.fill(desk.next_rows(state.range(0)))) return state.SkipWithError("not filled");
  std::int64_t taken = 0;
  for (auto _ : state) {
    state.PauseTiming();
    desk.sign_in();
    state.ResumeTiming();
    desk.outbox().open({});
    state.PauseTiming();
    for (const v1::ClientFrame& batch : desk.batches()) taken += batch.send().items_size();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(taken);
}

// The answer to a batch: its messages become events, and the next batch goes out.
void outbox_place(benchmark::State& state, bool sqlite) {
  const Place place(sqlite);
  if (!place.store) return state.SkipWithError("no cache");
  Desk desk(*place.store, state.range(1));
  if (!desk.fill(desk.next_rows(state.range(0)))) return state.SkipWithError("not filled");
  desk.sign_in();
  std::int64_t placed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    desk.outbox().open({});  // whatever was put back below may go out
    auto batches = desk.batches();
    if (batches.empty()) return state.SkipWithError("nothing was sent");
    const v1::ClientFrame batch = std::move(batches.front());
    batches.pop_front();
    desk.keep(std::move(batches));
    const std::string answer = desk.answer_to(batch);
    state.ResumeTiming();
    desk.hear(answer);
    state.PauseTiming();
    const ConversationId to = conversation_id(batch.send().conversation_id()).value();
    placed += batch.send().items_size();
    std::vector<client::OutboxRow> rows;
    while (rows.size() < static_cast<std::size_t>(batch.send().items_size())) {
      rows.push_back(desk.row_to(to));
    }
    desk.settle();
    if (!desk.fill(rows)) state.SkipWithError("not filled again");
    state.ResumeTiming();
  }
  state.SetItemsProcessed(placed);
}

// Messages that wait, and the conversations that they are for.
void room_for_a_batch(benchmark::internal::Benchmark* bench) {
  bench->Args({0, 1})->Args({kFull - kBatch, 1})->Args({kFull - kBatch, kMany});
}
void a_batch_or_all(benchmark::internal::Benchmark* bench) {
  bench->Args({kBatch, 1})->Args({kFull, 1})->Args({kFull, kMany});
}
BENCHMARK_CAPTURE(outbox_add, pure, false)->Apply(room_for_a_batch);
BENCHMARK_CAPTURE(outbox_add, sqlite, true)->Apply(room_for_a_batch)->UseRealTime();
BENCHMARK_CAPTURE(outbox_take, pure, false)->Args({0, 1})->Apply(a_batch_or_all);
BENCHMARK_CAPTURE(outbox_place, pure, false)->Apply(a_batch_or_all);
BENCHMARK_CAPTURE(outbox_place, sqlite, true)->Apply(a_batch_or_all)->UseRealTime();

}  // namespace
}  // namespace kith::bench
