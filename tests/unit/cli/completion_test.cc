// The letters that Tab adds.
#include "client/cli/completion.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

using Words = std::vector<std::string>;

TEST(Completion, OneWordIsCompletedWithASpace) {
  const Completion found = completion("/me", {"/members", "/msg", "/to"});
  EXPECT_EQ(found.added, "mbers ");
  EXPECT_EQ(found.fitting, Words{});
}

TEST(Completion, SeveralGoOnAsFarAsTheyAgree) {
  const Completion found = completion("c", {"carol", "carolina", "bob"});
  EXPECT_EQ(found.added, "arol");
  EXPECT_EQ(found.fitting, (Words{"carol", "carolina"}));
}

TEST(Completion, NoCharacterIsCutInTwo) {
  EXPECT_EQ(completion("z", {"zoë", "zoé"}).added, "o");
  EXPECT_EQ(completion("z", {"zoë"}).added, "oë ");
}

TEST(Completion, NothingBegunOrNothingFittingAddsNothing) {
  EXPECT_EQ(completion("", {"bob"}).added, "");
  EXPECT_EQ(completion("x", {"bob"}).added, "");
}

}  // namespace
}  // namespace kith::cli
