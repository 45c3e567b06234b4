// Cost of a decision: a message in a 1:1 and in groups.
#include <benchmark/benchmark.h>

#include "benchmarks/micro/places.h"
#include "server/conversation/decide.h"

namespace kith::bench {
namespace {

void decide_message(benchmark::State& state) {
  server::Conversation conversation;
  server::Position position = 1;
  const UserId owner = UserId::of("owner");
  server::LogEntry create = message_entry(position++, owner);
  std::vector<UserId> others;
  for (int i = 1; i < state.range(0); ++i) others.push_back(UserId::of("m" + std::to_string(i)));
  create.record.op = server::CreateOp{ConversationType::kGroup, "g", others};
  server::decide(conversation, create, std::nullopt);
  for (auto _ : state) {
    const auto out = server::decide(conversation, message_entry(position++, owner), std::nullopt);
    if (!out.placed) state.SkipWithError("the message has no place");
  }
}
BENCHMARK(decide_message)->Arg(2)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace kith::bench
