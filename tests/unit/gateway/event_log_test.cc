// Log lines: one line of printable text for each event, and never a flood of them.
#include "server/event_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "server/daemon/log_output.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
namespace {

using testing::VirtualLoop;

TEST(LogLine, CannotBeBrokenByWhatCameFromOutside) {
  const LogLine line{LogLevel::kInfo,
                     "sign_in_refused",
                     "",
                     {{"handle", "eve\nready url=x"},
                      {"agent", "a\x1b[2J\xe2\x80\xae\"\\\xc2\x85"},
                      {"name", "J\xc3\xbcrgen"},
                      {"raw", "\xff\xe2"}}};
  EXPECT_EQ(to_string(line),
            "sign_in_refused handle=\"eve\\nready url=x\" "
            "agent=\"a\\u001b[2J\\u202e\\\"\\\\\\u0085\" name=\"J\xc3\xbcrgen\" "
            "raw=\"\\u00ff\\u00e2\"");
  EXPECT_EQ(to_json({LogLevel::kError, "x", "a \"b\"", {{"n", "1"}}}, "t"),
            R"({"time":"t","level":"error","event":"x","n":"1","msg":"a \"b\""})");
}

TEST(LogLine, HasTimeAndLevelInTheDaemonsLog) {
  const LogLine line{LogLevel::kWarning, "journal_failed", "the disk", {{"code", "DISK_FULL"}}};
  const Timestamp at{1'796'023'461'003};
  EXPECT_EQ(daemon::format_log_line(line, at, daemon::LogFormat::kText),
            "2026-11-30T07:24:21.003Z warning journal_failed code=DISK_FULL msg=\"the disk\"");
  EXPECT_EQ(daemon::format_log_line(line, at, daemon::LogFormat::kJson),
            R"({"time":"2026-11-30T07:24:21.003Z","level":"warning","event":"journal_failed",)"
            R"("code":"DISK_FULL","msg":"the disk"})");
}

TEST(EventLog, CountsWhatItLeavesOutAndSaysSo) {
  VirtualLoop loop;
  std::vector<LogLine> written;
  EventLog log([&](const LogLine& line) { written.push_back(line); }, loop.clock());
  for (int i = 0; i < 1'000; ++i) log.write({LogLevel::kInfo, "flood", "", {}});
  EXPECT_EQ(written.size(), EventLog::kBurst);
  log.write({LogLevel::kInfo, "another", "", {}});
  EXPECT_EQ(written.back().event, "another");
  loop.advance(Millis(60'000));
  log.write({LogLevel::kInfo, "flood", "", {}});
  ASSERT_EQ(written.size(), EventLog::kBurst + 2);
  ASSERT_EQ(written.back().fields.size(), 1U);
  EXPECT_EQ(written.back().fields[0].name, "suppressed");
  EXPECT_EQ(written.back().fields[0].value, std::to_string(1'000 - EventLog::kBurst));
}

TEST(EventLog, TellsAboutAFloodThatHasEnded) {
  VirtualLoop loop;
  std::vector<LogLine> written;
  EventLog log([&](const LogLine& line) { written.push_back(line); }, loop.clock());
  for (std::uint32_t i = 0; i < EventLog::kBurst + 5; ++i)
    log.write({LogLevel::kInfo, "flood", "", {}});
  loop.advance(Millis(60'000));
  log.settle();
  log.settle();
  ASSERT_EQ(written.size(), EventLog::kBurst + 1);
  EXPECT_EQ(
      to_string(written.back()),
      "log_suppressed of=flood suppressed=5 msg=\"more lines of this event than are written\"");
}

}  // namespace
}  // namespace kith::server
