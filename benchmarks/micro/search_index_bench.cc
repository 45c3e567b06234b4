// Cost of the server's search index: adding messages, and searching.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "benchmarks/load/chatter.h"
#include "benchmarks/micro/places.h"
#include "server/adapters/embedded/search_index_sqlite.h"

namespace kith::bench {
namespace {

class InPlace : public Executor {
 public:
  void post(std::function<void()> task) override { task(); }
};

// Messages over many conversations.
class Room {
 public:
  explicit Room(std::uint64_t conversations) : seqs_(conversations) {}
  server::IndexBatch next(std::uint64_t messages, std::uint64_t conversations) {
    server::IndexBatch batch;
    const std::uint64_t first = chatter_.below(seqs_.size());
    for (std::uint64_t n = 0; n < messages; ++n) {
      const std::uint64_t c = (first + n % conversations) % seqs_.size();
      const std::uint64_t place = ++ms_ << server::index_place_bits | (c * 7'919 + seqs_[c]) % kLow;
      batch.messages.push_back({conversation_of(c), ++seqs_[c], place, chatter_.message()});
    }
    for (std::uint64_t n = 0; n < conversations; ++n) {
      const std::uint64_t c = (first + n) % seqs_.size();
      batch.marks.emplace_back(conversation_of(c), seqs_[c]);
    }
    for (const auto& message : batch.messages) bytes_ += message.text.size();
    return batch;
  }
  [[nodiscard]] double bytes() const { return static_cast<double>(bytes_); }

 private:
  Chatter chatter_;
  std::vector<std::uint64_t> seqs_;
  static constexpr std::uint64_t kLow = 1U << server::index_place_bits;
  std::uint64_t ms_ = 1'700'000'000'000;
  std::uint64_t bytes_ = 0;
};

bool add(server::SearchIndex& index, server::IndexBatch batch) {
  std::promise<bool> done;
  index.add(std::make_shared<const server::IndexBatch>(std::move(batch)),
            [&](const Status& s) { done.set_value(s.ok()); });
  return done.get_future().get();
}

double file_bytes(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<double>(size);
}

// Batches of 512 messages, state.range(0) of them in each conversation.
void search_index_add(benchmark::State& state) {
  const ScratchDirectory place;
  InPlace executor;
  const std::string path = place.path() + "/search.db";
  auto index = server::SearchIndexSqlite::open(path, executor);
  if (!index) return state.SkipWithError("no index");
  Room room(10'000);
  const auto conversations = 512 / static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    server::IndexBatch batch = room.next(512, conversations);
    state.ResumeTiming();
    if (!add(**index, std::move(batch))) state.SkipWithError("the index refused a batch");
  }
  index->reset();  // copies the write-ahead log over
  state.SetItemsProcessed(state.iterations() * 512);
  state.counters["disk_per_text"] = file_bytes(path) / room.bytes();
}
BENCHMARK(search_index_add)->Arg(1)->Arg(16)->UseRealTime()->MeasureProcessCPUTime();

// 10^6 messages in 10,000 conversations, made once.
server::SearchIndex& filled() {
  static const ScratchDirectory place;
  static InPlace executor;
  static const std::unique_ptr<server::SearchIndex> index = [] {
    auto opened = server::SearchIndexSqlite::open(place.path() + "/search.db", executor);
    Room room(10'000);
    for (int batch = 0; opened && batch < 2'000; ++batch) (void)add(**opened, room.next(500, 25));
    return opened ? std::move(*opened) : nullptr;
  }();
  return *index;
}

void find(benchmark::State& state, const std::string& text) {
  server::IndexQuery query{text, UserId(), {}, 0, 21, Millis(0)};
  for (int n = 0; n < state.range(0); ++n) {
    query.scopes.push_back({conversation_of(static_cast<std::uint64_t>(n) * 7 % 10'000), 1, 0});
  }
  server::SearchIndex& index = filled();
  std::size_t hits = 0;
  for (auto _ : state) {
    std::promise<Result<std::vector<server::IndexHit>>> done;
    index.find(query, [&](auto found) { done.set_value(std::move(found)); });
    const auto found = done.get_future().get();
    if (!found) return state.SkipWithError("not found out");
    hits = found->size();
  }
  state.counters["hits"] = static_cast<double>(hits);
}
void search_index_find_common(benchmark::State& state) {
  find(state, Chatter::word(2));
}
void search_index_find_rare(benchmark::State& state) {
  find(state, Chatter::word(20'000));
}
void search_index_find_two_words(benchmark::State& state) {
  find(state, Chatter::word(30) + " " + Chatter::word(400));
}
void search_index_find_first_letter(benchmark::State& state) {
  find(state, "b");
}
// A search of one person in 50 conversations, beside state.range(0) endless ones of another: one letter and a
// common word in 10,000 conversations.
void search_index_find_beside_dear_ones(benchmark::State& state) {
  server::SearchIndex& index = filled();
  server::IndexQuery dear{"b " + Chatter::word(2), UserId::of("eve"), {}, 0, 51, Millis(0)};
  for (std::uint64_t n = 0; n < 10'000; ++n) dear.scopes.push_back({conversation_of(n), 1, 0});
  std::atomic<bool> over = false;
  std::atomic<int> under_way = 0;
  std::function<void()> search_again = [&] {
    index.find(dear, [&](const auto&) { over ? static_cast<void>(--under_way) : search_again(); });
  };
  for (int n = 0; n < state.range(0); ++n) {
    ++under_way;
    search_again();
  }
  std::vector<double> ms;
  server::IndexQuery honest{Chatter::word(30), UserId::of("ann"), {}, 0, 21, Millis(0)};
  for (std::uint64_t n = 0; n < 50; ++n) honest.scopes.push_back({conversation_of(n * 7), 1, 0});
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    std::promise<bool> done;
    index.find(honest, [&](const auto& found) { done.set_value(found.ok()); });
    if (!done.get_future().get()) return state.SkipWithError("not found out");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    ms.push_back(took.count());
  }
  over = true;
  while (under_way > 0) std::this_thread::yield();
  std::sort(ms.begin(), ms.end());
  state.counters["p50_ms"] = ms[ms.size() / 2];
  state.counters["max_ms"] = ms.back();
}
BENCHMARK(search_index_find_beside_dear_ones)->Arg(0)->Arg(4)->Iterations(200)->UseRealTime();

// In one conversation, in those of most people, in those of very few.
BENCHMARK(search_index_find_common)->Arg(1)->Arg(50)->Arg(1'000)->UseRealTime();
BENCHMARK(search_index_find_rare)->Arg(1)->Arg(50)->Arg(1'000)->UseRealTime();
BENCHMARK(search_index_find_two_words)->Arg(1)->Arg(50)->Arg(1'000)->UseRealTime();
BENCHMARK(search_index_find_first_letter)->Arg(1)->Arg(50)->Arg(1'000)->UseRealTime();

}  // namespace
}  // namespace kith::bench
