// Cost of a frame: making, encoding, decoding and checking it.
#include <benchmark/benchmark.h>

#include "benchmarks/micro/places.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::bench {
namespace {

const std::string kConversation = conversation_of(1).bytes();
const std::string kUser = UserId::of("a1").bytes();
const std::string kMessage = message_id_of(1).bytes();

v1::ClientFrame send_frame(int items) {
  v1::ClientFrame frame;
  frame.set_req_id(7);
  v1::SendBatch& send = *frame.mutable_send();
  send.set_conversation_id(kConversation);
  v1::Content content;
  content.mutable_plain()->set_text(std::string(100, 'x'));
  for (int i = 0; i < items; ++i) {
    v1::OutMessage& item = *send.add_items();
    item.set_message_id(message_id_of(static_cast<std::uint64_t>(i)).bytes());
    item.set_content(content.SerializeAsString());
  }
  return frame;
}

void encode_send(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode(send_frame(static_cast<int>(state.range(0)))));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_send)->Arg(1)->Arg(16);

void decode_and_check_send(benchmark::State& state) {
  const auto bytes = encode(send_frame(static_cast<int>(state.range(0))));
  for (auto _ : state) {
    const auto frame = decode_client_frame(*bytes);
    if (!frame || !validate(*frame)) state.SkipWithError("the frame is refused");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_and_check_send)->Arg(1)->Arg(16);

void encode_push(benchmark::State& state) {
  for (auto _ : state) {
    v1::ServerFrame frame;
    v1::Event& event = *frame.mutable_event_push()->add_events();
    event.set_conversation_id(kConversation);
    event.set_seq(12345);
    event.set_kind(v1::EVENT_KIND_MESSAGE);
    event.set_message_id(kMessage);
    event.set_sender(kUser);
    event.set_body(std::string(104, 'x'));
    benchmark::DoNotOptimize(encode(frame));
  }
}
BENCHMARK(encode_push);

}  // namespace
}  // namespace kith::bench
