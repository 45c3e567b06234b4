// Cost of the stores: a batch of decided messages applied by the server, a message in the client's
// outbox.
#include <benchmark/benchmark.h>

#include <future>

#include "benchmarks/micro/places.h"
#include "client/cache_store_sqlite.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/conversation/decide.h"

namespace kith::bench {
namespace {

class InPlace : public Executor {
 public:
  void post(std::function<void()> task) override { task(); }
};

constexpr std::uint64_t kConversations = 10'000;

// Messages over many conversations, as decide() left them.
class Batches {
 public:
  server::StoreBatch next(std::int64_t messages) {
    server::StoreBatch batch;
    for (std::int64_t i = 0; i < messages; ++i) {
      const std::uint64_t k = step_ = (step_ * 6364136223846793005ULL + 1442695040888963407ULL);
      server::Conversation& c = known_[(k >> 33) % kConversations];
      const std::uint64_t n = (k >> 33) % kConversations;
      const UserId sender = UserId::of("a" + std::to_string(n));
      if (c.head.last_seq == 0) {
        c.head.id = conversation_of(n);
        server::LogEntry create = message_entry(++position_, sender);
        create.record.conversation = c.head.id;
        create.record.op =
            server::CreateOp{ConversationType::kDirect, "", {UserId::of("b" + std::to_string(n))}};
        take(batch, server::decide(c, create, std::nullopt));
      }
      server::LogEntry entry = message_entry(++position_, sender);
      entry.record.conversation = c.head.id;
      take(batch, server::decide(c, entry, std::nullopt));
      batch.heads.push_back(c.head);
      for (const server::Member& m : c.members) batch.members.emplace_back(c.head.id, m);
    }
    batch.position = position_;
    return batch;
  }

 private:
  static void take(server::StoreBatch& batch, server::Outcome outcome) {
    if (outcome.event != nullptr) batch.events.push_back(std::move(outcome.event));
  }
  std::vector<server::Conversation> known_{kConversations};
  server::Position position_ = 0;
  std::uint64_t step_ = 1;
};

void store_apply(benchmark::State& state) {
  const ScratchDirectory place;
  InPlace executor;
  auto store = server::ConversationStoreSqlite::open(place.path() + "/store.db", executor);
  if (!store) return state.SkipWithError("no store");
  Batches batches;
  for (auto _ : state) {
    state.PauseTiming();
    server::StoreBatch batch = batches.next(state.range(0));
    state.ResumeTiming();
    std::promise<bool> done;
    (*store)->apply(std::make_shared<const server::StoreBatch>(std::move(batch)),
                    [&](const Status& s) { done.set_value(s.ok()); });
    if (!done.get_future().get()) state.SkipWithError("the store refused a batch");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(store_apply)->Arg(16)->Arg(256)->Arg(4'096)->UseRealTime()->MeasureProcessCPUTime();

void outbox_add_and_remove(benchmark::State& state) {
  const ScratchDirectory place;
  auto store = client::open_cache_store_sqlite(place.path());
  if (!store) return state.SkipWithError("no cache");
  std::uint64_t n = 0;
  for (auto _ : state) {
    client::CacheChange add;
    client::OutboxRow row;
    row.order = static_cast<std::int64_t>(++n);
    row.conversation = conversation_of(1);
    row.id = message_id_of(n);
    row.payload.assign(130, 'x');
    add.outbox_put.push_back(row);
    client::CacheChange remove;
    remove.outbox_remove.push_back(row.id);
    if (!(*store)->commit(add) || !(*store)->commit(remove)) state.SkipWithError("not committed");
  }
}
BENCHMARK(outbox_add_and_remove)->UseRealTime();

}  // namespace
}  // namespace kith::bench
