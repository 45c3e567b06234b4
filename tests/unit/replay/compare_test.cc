// The verdict of a replay must notice each way in which a device may be wrong.
#include "examples/replay/compare.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

const Fields kExpected = {"1", "ann", "0", "hi", "2", "bob", "0", "hi", "3", "ann", "1", "well"};

Verdict judge(const Fields& rows) {
  Verdict verdict;
  compare(kExpected, rows, verdict);
  return verdict;
}

TEST(Compare, FindsNothingWrongWithEqualRows) {
  const Verdict v = judge(kExpected);
  EXPECT_EQ(v.deliveries, 3U);
  EXPECT_EQ(v.lost + v.duplicated + v.out_of_order + v.wrong, 0U);
}

TEST(Compare, CountsWhatIsMissing) {
  EXPECT_EQ(judge({}).lost, 3U);
  const Verdict v = judge({"1", "ann", "0", "hi", "3", "ann", "1", "well"});
  EXPECT_EQ(v.lost, 1U);
  EXPECT_EQ(v.out_of_order, 0U);
}

TEST(Compare, CountsASecondCopyWithTheSameOrAnotherId) {
  Fields rows = kExpected;
  rows.insert(rows.end(), {"3", "ann", "1", "well"});
  EXPECT_EQ(judge(rows).duplicated, 1U);
  rows = kExpected;
  rows.insert(rows.end(), {"9", "bob", "0", "hi"});
  EXPECT_EQ(judge(rows).duplicated, 1U);
}

TEST(Compare, CountsWhatIsOutOfOrder) {
  const Verdict v = judge({"2", "bob", "0", "hi", "1", "ann", "0", "hi", "3", "ann", "1", "well"});
  EXPECT_EQ(v.out_of_order, 1U);
  EXPECT_EQ(v.lost, 0U);
}

TEST(Compare, CountsAForeignAuthorTextOrReply) {
  for (const std::size_t field : {1U, 2U, 3U}) {
    Fields rows = kExpected;
    rows[field] = "other";
    EXPECT_EQ(judge(rows).wrong, 1U) << field;
  }
  Fields rows = kExpected;
  rows.insert(rows.end(), {"9", "eve", "0", "never sent"});
  EXPECT_EQ(judge(rows).wrong, 1U);
}

TEST(Compare, CountsAMessageWhoseIdWasNeverLearnedAsLost) {
  Verdict v;
  compare({"", "ann", "0", "hi"}, {}, v);
  EXPECT_EQ(v.lost, 1U);
}

}  // namespace
}  // namespace replay
