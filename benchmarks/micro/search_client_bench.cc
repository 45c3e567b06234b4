// Cost of searching in the client: a page of hits in a large cache, and the index that a commit of
// events writes.
#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/micro/places.h"
#include "client/cache_store_sqlite.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/search_terms.h"
#include "src/split_mix.h"

namespace kith::bench {
namespace {

constexpr std::uint64_t kConversations = 1'000;
constexpr std::uint64_t kWords = 20'000;  // that people use, the n-th one time in n
constexpr std::int64_t kStartMs = 1'700'000'000'000;
constexpr std::uint64_t kRare = 20'000;  // one message among this many has the rare word
constexpr std::uint64_t kCommit = 50;    // events of one commit
constexpr std::size_t kPage = limits::search_page_default + 1;

// Texts of 2 to 25 words whose frequencies are those of a language (Zipf), one in ten in Japanese.
class Texts {
 public:
  Texts() {
    double sum = 0;
    for (std::uint64_t n = 1; n <= kWords; ++n)
      sums_.push_back(sum += 1.0 / static_cast<double>(n));
  }
  std::string next() {
    std::string text;
    if (++made_ % kRare == 0) text = "rhinoceros ";
    const std::uint64_t words = 2 + random_.next() % 24;
    if (made_ % 10 == 0) {
      for (std::uint64_t i = 0; i < words; ++i) text += character();
      return text;
    }
    for (std::uint64_t i = 0; i < words; ++i) text += (i > 0 ? " " : "") + word(rank());
    return text;
  }
  // The n-th most frequent word; words that people use most are short.
  static std::string word(std::uint64_t rank) {
    static const std::array<const char*, 20> parts = {"ba",  "ke", "li", "mo", "su", "ta", "re",
                                                      "no",  "vi", "da", "el", "in", "or", "ha",
                                                      "che", "wa", "ni", "po", "gu", "sol"};
    std::string out;
    for (std::uint64_t left = rank; out.empty() || left > 0; left /= parts.size())
      out += parts[left % parts.size()];
    return out;
  }

 private:
  std::uint64_t rank() {
    const double at = static_cast<double>(random_.next() >> 11) * 0x1p-53 * sums_.back();
    return static_cast<std::uint64_t>(std::lower_bound(sums_.begin(), sums_.end(), at) -
                                      sums_.begin());
  }
  // One of 500 ideographs, U+4E00 on.
  std::string character() {
    const std::uint64_t c = 0x4e00 + std::min(random_.next() % 500, random_.next() % 500);
    return {static_cast<char>(0xe0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3f)),
            static_cast<char>(0x80 | (c & 0x3f))};
  }

  SplitMix random_{11};
  std::vector<double> sums_;
  std::uint64_t made_ = 0;
};

// Messages to many conversations in the order of time, a commit at a time.
class Events {
 public:
  client::CacheChange next(std::uint64_t count) {
    client::CacheChange change;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t n = ++made_;
      const ConversationId to = conversation_of(random_.next() % kConversations);
      v1::Content content;
      content.mutable_plain()->set_text(texts_.next());
      v1::Event e;
      e.set_conversation_id(to.bytes());
      e.set_seq(++seqs_[to]);
      e.set_kind(v1::EVENT_KIND_MESSAGE);
      e.set_message_id(message_id_of(n).bytes());
      e.set_sender(UserId::of("b1").bytes());
      e.set_server_ts_ms(static_cast<std::uint64_t>(kStartMs) + n * 997);
      e.set_ordinal(e.seq());
      e.set_body(content.SerializeAsString());
      change.events.push_back({to, e.seq(), message_id_of(n), e.ordinal(), e.SerializeAsString()});
    }
    return change;
  }

 private:
  Texts texts_;
  SplitMix random_{12};
  std::map<ConversationId, std::uint64_t> seqs_;
  std::uint64_t made_ = 0;
};

// A cache with `messages` messages, made once.
client::CacheStore* filled(std::int64_t messages) {
  struct Filled {
    ScratchDirectory directory;
    std::unique_ptr<client::CacheStore> store;
  };
  static std::map<std::int64_t, Filled> all;
  Filled& place = all[messages];
  if (place.store) return place.store.get();
  auto opened = client::open_cache_store_sqlite(place.directory.path());
  if (!opened) return nullptr;
  Events events;
  for (std::int64_t n = 0; n < messages; n += kCommit) {
    if (!(*opened)->commit(events.next(kCommit))) return nullptr;
  }
  place.store = std::move(*opened);
  return place.store.get();
}

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// The same bytes, of a kind that no release knows.
void unreadable(client::StoredEvent& stored) {
  v1::Event e;
  e.ParseFromString(stored.bytes);
  e.set_kind(static_cast<v1::EventKind>(99));
  stored.bytes = e.SerializeAsString();
}

// One page, the newest hits: `p99_us` is the slowest of a hundred.
void search_page(benchmark::State& state, const std::string& query, bool one_conversation) {
  client::CacheStore* store = filled(state.range(0));
  const auto pattern = search::parse(query);
  if (!store || !pattern) return state.SkipWithError("no cache");
  std::vector<std::int64_t> spans;
  std::size_t hits = 0;
  std::uint64_t room = 0;
  for (auto _ : state) {
    client::SearchRequest request{*pattern, {}, 0, kPage};
    if (one_conversation) request.conversation = conversation_of(++room % kConversations);
    const std::int64_t begin = now_ns();
    const auto page = store->search(request);
    spans.push_back(now_ns() - begin);
    if (!page) return state.SkipWithError("the cache refused");
    hits += page->size();
  }
  std::sort(spans.begin(), spans.end());
  state.counters["p99_us"] = static_cast<double>(spans[(spans.size() - 1) * 99 / 100]) / 1'000;
  state.counters["hits"] = static_cast<double>(hits) / static_cast<double>(spans.size());
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(100'000)->Arg(200'000)->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(search_page, common_word, "\"" + Texts::word(1) + "\"", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, common_words,
                  "\"" + Texts::word(2) + "\" \"" + Texts::word(30) + "\"", false)
    ->Apply(sizes);
BENCHMARK_CAPTURE(search_page, rare_word, "\"rhinoceros\"", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, no_such_word, "\"zzz\"", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, phrase_rare_in_common, "\"" + Texts::word(1) + " rhinoceros\"",
                  false)
    ->Apply(sizes);
BENCHMARK_CAPTURE(search_page, prefix_of_one, "k", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, prefix_of_three, "che", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, ideograph, "一", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, ideographs, "一丁", false)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, common_word_here, "\"" + Texts::word(1) + "\"", true)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, rare_word_here, "\"rhinoceros\"", true)->Apply(sizes);
BENCHMARK_CAPTURE(search_page, prefix_of_one_here, "k", true)->Apply(sizes);

// A page of history that is kept: with its index, and as events that have no text to find.
void commit_events(benchmark::State& state, bool indexed) {
  const ScratchDirectory directory;
  auto store = client::open_cache_store_sqlite(directory.path());
  if (!store) return state.SkipWithError("no cache");
  Events events;
  const auto count = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    client::CacheChange change = events.next(count);
    if (!indexed) {
      for (client::StoredEvent& e : change.events) unreadable(e);
    }
    state.ResumeTiming();
    if (!(*store)->commit(change)) return state.SkipWithError("not committed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  store->reset();  // the log goes into the file
  state.counters["file_bytes"] =
      static_cast<double>(std::filesystem::file_size(directory.path() + "/cache.db")) /
      static_cast<double>(state.items_processed());
}
BENCHMARK_CAPTURE(commit_events, indexed, true)->Arg(1)->Arg(50)->UseRealTime();
BENCHMARK_CAPTURE(commit_events, bare, false)->Arg(1)->Arg(50)->UseRealTime();

void terms_of_a_text(benchmark::State& state) {
  Texts texts;
  std::vector<std::string> some;
  for (int i = 0; i < 1'000; ++i) some.push_back(texts.next());
  std::size_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(search::terms(some[at++ % some.size()]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(terms_of_a_text);

}  // namespace
}  // namespace kith::bench
