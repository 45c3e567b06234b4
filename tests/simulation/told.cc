// Told: removes random ids and the log's count from frames.
#include "tests/simulation/told.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "src/frame_codec.h"
#include "tests/simulation/describe.h"

namespace kith::sim {
namespace {

constexpr std::size_t kIdBytes = 16;

// Equal for equal ids only; the time in an id of version 7 is not random, and stays.
std::string number_for(const std::string& id, std::uint64_t number) {
  std::string made(kIdBytes, '\0');
  if ((static_cast<unsigned char>(id[6]) >> 4) == 7) {
    std::copy_n(id.begin(), 6, made.begin());
    made[6] = '7';
  }
  for (std::size_t i = 0; i < 8; ++i) made[8 + i] = static_cast<char>(number >> (8 * i));
  return made;
}

}  // namespace

void Told::add(std::int64_t at, std::size_t device, std::string_view bytes) {
  auto frame = decode_server_frame(bytes);
  if (!frame) return;
  if (frame->has_welcome()) {  // of this connection alone
    frame->mutable_welcome()->clear_session_id();
    frame->mutable_welcome()->clear_resume_ticket();
    frame->mutable_welcome()->clear_run_id();
    frame->mutable_welcome()->set_feed_high(0);
  }
  heard_.push_back({at, device, std::move(*frame)});
}

// The ends of listings count every command of the server, and say nothing of anybody's: they are no
// secret, and taken out. The comparison covers only which positions are equal and which follow
// which.
void Told::positions_of(v1::ServerFrame& frame, const Each& each) {
  const auto through = [&](const std::string& kind, std::uint64_t value, auto set) {
    if (value == 0) return;
    each(kind, value);
    set(value);
  };
  if (frame.has_sync_page()) {
    v1::SyncPage& page = *frame.mutable_sync_page();
    page.set_next_cursor(0);
    if (!page.page_token().empty()) page.set_page_token("more");  // sealed, with a position in it
    for (v1::ConversationState& state : *page.mutable_changed()) {
      through(state.conversation_id(), state.entry_ver(),
              [&](std::uint64_t rank) { state.set_entry_ver(rank); });
    }
  }
  if (frame.has_sync_reset()) frame.mutable_sync_reset()->set_snapshot_cursor(0);
  if (frame.has_feed_notice()) {
    auto& notice = *frame.mutable_feed_notice();
    through("version", notice.ver(), [&](std::uint64_t rank) { notice.set_ver(rank); });
  }
  if (frame.has_pong()) {
    auto& pong = *frame.mutable_pong();
    through("version", pong.feed_high(), [&](std::uint64_t rank) { pong.set_feed_high(rank); });
  }
  if (!frame.has_search_page()) return;
  for (v1::SearchHit& hit : *frame.mutable_search_page()->mutable_hits()) {
    through("place", hit.place(), [&](std::uint64_t rank) { hit.set_place(rank); });
  }
}

std::string Told::without_chance(std::string bytes,
                                 std::map<std::string, std::uint64_t>& numbers) const {
  for (std::size_t at = 0; at + kIdBytes <= bytes.size(); ++at) {
    const auto id = random_ids_.find(std::string_view(bytes).substr(at, kIdBytes));
    if (id == random_ids_.end()) continue;
    const std::uint64_t number = numbers.try_emplace(*id, numbers.size() + 1).first->second;
    bytes.replace(at, kIdBytes, number_for(*id, number));
    at += kIdBytes - 1;
  }
  return bytes;
}

std::vector<Told::Line> Told::lines() const {
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> ranks;  // by kind
  std::vector<Heard> all = heard_;
  for (const Heard& heard : all) {
    v1::ServerFrame copy = heard.frame;
    positions_of(copy,
                 [&](const std::string& kind, std::uint64_t& position) { ranks[kind][position]; });
  }
  for (auto& [kind, of_kind] : ranks) {
    std::uint64_t next = 0;
    for (auto& [position, rank] : of_kind) rank = ++next;
  }
  std::vector<Line> lines;
  std::map<std::string, std::uint64_t> numbers;
  for (Heard& heard : all) {
    const std::string shown = describe(heard.frame);
    positions_of(heard.frame, [&](const std::string& kind, std::uint64_t& position) {
      position = ranks.at(kind).at(position);
    });
    lines.push_back(
        {heard.at, heard.device, without_chance(heard.frame.SerializeAsString(), numbers), shown});
  }
  return lines;
}

}  // namespace kith::sim
