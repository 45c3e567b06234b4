// Lines between the replay and its client processes.
#include "examples/replay/lines.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(Lines, CarryAnyText) {
  const Fields fields = {"", "a\tb", "c\\nd\n", "\\", "✓"};
  std::string line = join(fields);
  ASSERT_EQ(line.back(), '\n');
  line.pop_back();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(split(line), fields);
}

TEST(Fingerprint, KnowsWhereFieldsEndAndTheirOrder) {
  const auto of = [](const Fields& fields) {
    Fingerprint fingerprint;
    for (const auto& field : fields) fingerprint.add(field);
    return fingerprint.text();
  };
  EXPECT_EQ(of({"a", "b"}), of({"a", "b"}));
  EXPECT_NE(of({"a", "b"}), of({"b", "a"}));
  EXPECT_NE(of({"ab", ""}), of({"a", "b"}));
}

}  // namespace
}  // namespace replay
