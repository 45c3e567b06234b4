// RecentEvents: order, search by command, and what is forgotten, against a plain list.
#include "server/conversation/recent_events.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>

#include "src/split_mix.h"

namespace kith::server {
namespace {

EventPtr event(std::uint64_t seq) {
  Event e;
  e.seq = seq;
  std::array<std::uint8_t, MessageId::kSize> id{};
  for (std::size_t i = 0; i < 8; ++i) id[15 - i] = static_cast<std::uint8_t>(seq >> (8 * i));
  e.message_id = MessageId(id);
  e.sender = UserId::of(seq % 2 == 0 ? "ann" : "bob");
  return std::make_shared<const Event>(std::move(e));
}

// Everything that is in must be found, and nothing else.
void expect_same(const RecentEvents& recent, const std::deque<EventPtr>& truth,
                 std::uint64_t newest) {
  ASSERT_EQ(recent.size(), truth.size());
  ASSERT_EQ(recent.empty(), truth.empty());
  const auto all = recent.all();
  ASSERT_TRUE(std::equal(all.begin(), all.end(), truth.begin(), truth.end()));
  const std::uint64_t oldest = truth.empty() ? newest + 1 : truth.front()->seq;
  for (std::uint64_t seq = 1; seq <= newest; ++seq) {
    const EventPtr e = event(seq);
    const Event* found = recent.find(e->sender, e->message_id);
    ASSERT_EQ(found != nullptr, seq >= oldest) << seq;
    ASSERT_EQ(recent.find(UserId::of("eve"), e->message_id), nullptr) << "another's command";
    if (found == nullptr) continue;
    ASSERT_EQ(found->seq, seq);
  }
}

TEST(RecentEvents, IsTheListThatWasPutInAsFewAndAsMany) {
  RecentEvents recent;
  std::deque<EventPtr> truth;
  SplitMix random(7);
  std::uint64_t newest = 0;
  // Grows beyond what is looked through, and shrinks below it, twice.
  for (const std::size_t aim : {700U, 3U, 600U, 0U}) {
    while (truth.size() != aim) {
      const bool grow = truth.empty() || (random.next() % 8 == 0) != (truth.size() < aim);
      if (grow && truth.size() < 800) {
        truth.push_back(event(++newest));
        recent.push(truth.back());
      } else if (!truth.empty()) {
        truth.pop_front();
        recent.pop();
      }
      if (random.next() % 64 == 0) expect_same(recent, truth, newest);
    }
    expect_same(recent, truth, newest);
  }
}

TEST(RecentEvents, SharesTheEventAndLetsItGo) {
  RecentEvents recent;
  const EventPtr kept = event(1);
  recent.push(kept);
  recent.push(event(2));
  EXPECT_EQ(kept.use_count(), 2);
  EXPECT_EQ(&recent.oldest(), kept.get());
  recent.pop();
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(recent.oldest().seq, 2u);
}

}  // namespace
}  // namespace kith::server
