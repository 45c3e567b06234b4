// Cost of search for every message: its terms, and the marks in a hit.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "kith/core/limits.h"
#include "src/search_terms.h"

namespace kith::bench {
namespace {

constexpr std::string_view kTexts[] = {
    "can somebody please look at the build, it fails since noon?!",  // 60 bytes each
    "itgc部署了吗？我们明天去吃饭，然后看电影",
    "Größe café ёлка — naïve façade, Ünïcödé Ćčšž!",
    "พรุ่งนี้ไปกินข้าวกันไหม",
};

void search_terms(benchmark::State& state) {
  const std::string_view text = kTexts[state.range(0)];
  for (auto _ : state) benchmark::DoNotOptimize(search::terms(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(search_terms)->DenseRange(0, 3);

void search_parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(search::parse("\"team lunch\" 部署了 tomor"));
}
BENCHMARK(search_parse);

void search_find_in_message(benchmark::State& state) {
  const auto pattern = search::parse("build noo");
  for (auto _ : state) benchmark::DoNotOptimize(search::find(*pattern, kTexts[0]));
}
BENCHMARK(search_find_in_message);

// The longest text, and as many terms as a query may have, all of which are all over it: as words,
// and as one phrase that begins everywhere.
void search_find_at_most(benchmark::State& state) {
  std::string text;
  std::string query;
  for (std::size_t i = 0; text.size() + 4 <= limits::body_bytes_max; ++i) {
    const std::size_t word = i % limits::search_terms_max;
    const std::string unit = state.range(0) == 0 ? std::to_string(word + 10) + " " : "啊";
    text += unit;
    if (word == i) query += unit;
  }
  const auto pattern = search::parse(query);
  for (auto _ : state) benchmark::DoNotOptimize(search::find(*pattern, text));
}
BENCHMARK(search_find_at_most)->Arg(0)->Arg(1);

}  // namespace
}  // namespace kith::bench
