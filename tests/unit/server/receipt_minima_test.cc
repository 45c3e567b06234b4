// Minima of many members, counted instead of gone through.
#include "server/conversation/receipt_minima.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kith/core/limits.h"
#include "tests/unit/core/fakes.h"

namespace kith::server {
namespace {

Conversation room(std::size_t members) {
  Conversation c;
  c.head.member_count = static_cast<std::uint32_t>(members);
  for (std::size_t n = 0; n < members; ++n) {
    Member m;
    m.user = UserId::of(std::to_string(n));
    m.role = MemberRole::kMember;
    c.members.push_back(m);
  }
  return c;
}

TEST(ReceiptMinima, AnyHistoryGivesWhatGoingThroughAllMembersGives) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::SeededRandom random(seed);
    Conversation counted = room(limits::receipt_detail_members_max + 1 + random.below(40));
    Conversation scanned = counted;
    ReceiptMinima minima;
    for (int step = 0; step < 2'000; ++step) {
      counted.head.last_seq += random.below(3);
      Member& m = counted.members[random.below(counted.members.size())];
      const Member before = m;
      const bool back = random.below(50) == 0;
      if (back) {  // left, or came again: counted anew
        m.role = m.active() ? MemberRole::kNone : MemberRole::kMember;
        m.delivered_seq = m.public_read_seq = counted.head.last_seq;
        minima.forget();
      } else if (m.active()) {
        m.delivered_seq += random.below(counted.head.last_seq - m.delivered_seq + 1);
        m.sharing = random.below(5) != 0;
        if (m.sharing) m.public_read_seq = std::max(m.public_read_seq, m.delivered_seq);
        minima.moved(before, m);
      }
      scanned.members = counted.members;
      ASSERT_EQ(minima.raise(counted), raise_minima(scanned)) << "seed " << seed;
      ASSERT_EQ(counted.head.delivered_all_seq, scanned.head.delivered_all_seq);
      ASSERT_EQ(counted.head.read_all_seq, scanned.head.read_all_seq);
      ASSERT_EQ(counted.head.read_any_seq, scanned.head.read_any_seq);
    }
  }
}

TEST(ReceiptMinima, TenThousandReadersCostOneCounting) {
  Conversation c = room(limits::group_members_max);
  ReceiptMinima minima;
  c.head.last_seq = 3;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    for (Member& m : c.members) {
      const Member before = m;
      m.delivered_seq = m.public_read_seq = seq;
      minima.moved(before, m);
      minima.raise(c);
    }
    EXPECT_EQ(c.head.read_all_seq, seq);
  }
  EXPECT_EQ(minima.countings(), 1u);
}

TEST(ReceiptMinima, WithFewerThanTwoWhoShareReadsAreFrozen) {
  Conversation c = room(limits::receipt_detail_members_max + 10);
  for (Member& m : c.members) m.sharing = false;
  c.members[0].sharing = true;
  c.members[0].public_read_seq = 5;
  for (Member& m : c.members) m.delivered_seq = 5;
  ReceiptMinima minima;
  EXPECT_TRUE(minima.raise(c));
  EXPECT_EQ(c.head.delivered_all_seq, 5u);
  EXPECT_EQ(c.head.read_all_seq, 0u);
  EXPECT_EQ(c.head.read_any_seq, 0u);
}

}  // namespace
}  // namespace kith::server
