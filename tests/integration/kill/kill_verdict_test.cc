// The verdict of the kill test bites: each kind of damage is planted and must be found.
#include "tests/integration/kill/kill_verdict.h"

#include <gtest/gtest.h>

namespace killing {
namespace {

class KillVerdict : public ::testing::Test {
 protected:
  static Row row(std::uint64_t seq, const std::string& name) {
    return {"room", seq, "id " + name, name};
  }
  [[nodiscard]] Verdict verdict() const { return judge({first, second}, {alice, bob}); }

  Device first{"first", {"room"}, {row(1, "a1"), row(2, "b1"), row(3, "a2")}};
  Device second = first;
  std::vector<replay::Fields> alice{{"try", "room", "a1"},
                                    {"accepted", "room", "id a1", "a1"},
                                    {"acked", "room", "id a1", "1"},
                                    {"try", "room", "a2"},
                                    {"accepted", "room", "id a2", "a2"},
                                    {"try", "room", "killed before send() was called"}};
  std::vector<replay::Fields> bob{{"try", "room", "b1"}, {"seen", "room", "id a1", "1"}};
};

TEST_F(KillVerdict, IsGoodWhenEverythingIsEverywhereOnce) {
  const Verdict v = verdict();
  EXPECT_TRUE(v.good());
  EXPECT_EQ(v.messages, 3u);
  EXPECT_EQ(v.accepted, 2u);
  EXPECT_EQ(v.acked, 1u);
}

TEST_F(KillVerdict, FindsAnAcknowledgedMessageThatIsGone) {
  first.rows.erase(first.rows.begin());
  second.rows.erase(second.rows.begin());
  EXPECT_EQ(verdict().lost, 2u);
}

TEST_F(KillVerdict, FindsAnAcceptedMessageThatIsGone) {
  first.rows.pop_back();
  second.rows.pop_back();
  EXPECT_EQ(verdict().lost, 2u);
}

TEST_F(KillVerdict, FindsARowThatOneDeviceMisses) {
  second.rows.erase(second.rows.begin() + 1);
  EXPECT_EQ(verdict().lost, 1u);
}

TEST_F(KillVerdict, FindsTheSameIdTwice) {
  second.rows.push_back({"room", 4, "id a1", "a1"});
  EXPECT_GE(verdict().duplicated, 1u);
}

TEST_F(KillVerdict, FindsTheSameTextUnderTwoIds) {
  first.rows.push_back({"room", 4, "another id", "a2"});
  EXPECT_GE(verdict().duplicated, 1u);
}

TEST_F(KillVerdict, FindsTwoDevicesThatDisagree) {
  std::swap(second.rows[1].id, second.rows[2].id);
  EXPECT_GE(verdict().disordered, 1u);
}

TEST_F(KillVerdict, FindsAMessageThatMovedAfterItWasShown) {
  alice[2][3] = "3";
  EXPECT_GE(verdict().disordered, 1u);
}

TEST_F(KillVerdict, FindsASenderWhoseOrderWasNotKept) {
  std::swap(first.rows[0].text, first.rows[2].text);
  std::swap(first.rows[0].id, first.rows[2].id);
  second = first;
  alice.erase(alice.begin() + 2);
  bob.pop_back();
  EXPECT_EQ(verdict().disordered, 2u);
}

TEST_F(KillVerdict, FindsWhatNobodyWrote) {
  first.rows.push_back(row(4, "ghost"));
  EXPECT_EQ(verdict().invented, 1u);
}

TEST_F(KillVerdict, AMemberOnlyOwesItsOwnRooms) {
  second.rooms.clear();
  second.rows.clear();
  EXPECT_TRUE(verdict().good());
}

TEST_F(KillVerdict, AFailureInAJournalIsNotGood) {
  bob.push_back({"failed", "send: IO"});
  EXPECT_FALSE(verdict().good());
}

}  // namespace
}  // namespace killing
