// Requests to a client process that dies and is replaced.
#include "examples/replay/worker_link.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

// Answers each request with "ok" and its own process id; ends at "end".
std::vector<std::string> echo_process() {
  return {"/bin/sh", "-c",
          "while read -r number verb; do [ \"$verb\" != end ] || exit; "
          "printf '%s\\tok\\t%s\\n' \"$number\" $$; done"};
}

TEST(WorkerLink, TellsWhichProcessAnswered) {
  WorkerLink link(echo_process(), "/dev/null", [](const Fields&) {});
  std::uint64_t first = 0;
  const auto before = link.call({"hello"}, &first);
  ASSERT_TRUE(before);
  EXPECT_EQ(first, link.generation());
  link.kill_and_restart([] {});
  std::uint64_t second = 0;
  const auto after = link.call({"hello"}, &second);
  ASSERT_TRUE(after);
  EXPECT_EQ(second, link.generation());
  EXPECT_NE(first, second);
  EXPECT_EQ(before->at(0), "ok");
  EXPECT_NE(before->at(1), after->at(1));
}

TEST(WorkerLink, ADeadProcessAnswersNothing) {
  WorkerLink link(echo_process(), "/dev/null", [](const Fields&) {});
  EXPECT_FALSE(link.call({"end"}));
  EXPECT_FALSE(link.call({"hello"}));
  link.kill_and_restart([] {});
  EXPECT_TRUE(link.call({"hello"}));
}

}  // namespace
}  // namespace replay
