// Lines of the line mode, and output that cannot be written.
#include "client/cli/printer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

namespace kith::cli {
namespace {

class PrinterTest : public testing::Test {
 protected:
  PrinterTest() {
    use_utf8_locale();
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe(ends_), 0);
  }
  ~PrinterTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  std::string printed(Printer& printer) {
    EXPECT_TRUE(printer.flush().ok());
    char text[4096];
    const ssize_t n = ::read(ends_[0], text, sizeof text);
    return {text, static_cast<std::size_t>(n > 0 ? n : 0)};
  }
  int ends_[2] = {-1, -1};
};

TEST_F(PrinterTest, NoLineOfAMessagePassesForAnotherPersons) {
  Printer printer(ends_[1]);
  printer.line({"2026-01-01 00:00  ", "mallory", ": "}, "ok\n2026-01-01 00:01  bob: yes", " ✓");
  EXPECT_EQ(printed(printer),
            "2026-01-01 00:00  mallory: ok\n"
            "                  2026-01-01 00:01  bob: yes ✓\n");
}

TEST_F(PrinterTest, ANameWithALineEndStaysOnItsLine) {
  Printer printer(ends_[1]);
  printer.line({"[", "team\u2028x", "] "}, "text");
  EXPECT_EQ(printed(printer), "[team x] text\n");
}

TEST_F(PrinterTest, JsonEscapesWhatSteersATerminal) {
  Printer printer(ends_[1]);
  printer.json(
      "{\"text\":\"a\xc2\x9b"
      "b\u202ec\u2028d\U000E0061é\"}");
  EXPECT_EQ(printed(printer), "{\"text\":\"a\\u009bb\\u202ec\\u2028d\\udb40\\udc61é\"}\n");
}

TEST_F(PrinterTest, AReaderThatIsGoneIsAnError) {
  Printer printer(ends_[1]);
  ::close(ends_[0]);
  ends_[0] = -1;
  printer.line("lost");
  const Status written = printer.flush();
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kClosed);
  EXPECT_FALSE(printer.flush().ok());  // it stays one
}

// A file that takes some bytes and then fails.
struct FailingFile {
  static inline std::string taken;
  static inline std::size_t room = 0;
  static inline int failure = 0;

  static ssize_t write(int, const void* bytes, std::size_t size) {
    const std::size_t fits = std::min(size, room - taken.size());
    taken.append(static_cast<const char*>(bytes), fits);
    if (fits > 0) return static_cast<ssize_t>(fits);
    errno = failure;
    return -1;
  }
};

TEST_F(PrinterTest, AFullDiskIsAnError) {
  for (const auto& [failure, code] :
       {std::pair(ENOSPC, ErrorCode::kDiskFull), std::pair(EDQUOT, ErrorCode::kDiskFull),
        std::pair(EIO, ErrorCode::kIo)}) {
    FailingFile::taken.clear();
    FailingFile::room = 7;
    FailingFile::failure = failure;
    Printer printer(ends_[1], FailingFile::write);
    printer.line("kept");
    EXPECT_TRUE(printer.flush().ok());
    printer.line("lost");
    const Status written = printer.flush();
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, code);
    FailingFile::room = 100;
    printer.line("later");
    EXPECT_EQ(printer.flush().error().code, code);  // it stays one
    EXPECT_EQ(FailingFile::taken, "kept\nlo");
  }
}

TEST_F(PrinterTest, ASlowReaderDoesNotHoldASignalBack) {
  int signals[2];
  ASSERT_EQ(::pipe(signals), 0);
  Printer printer(ends_[1]);
  printer.interrupt_by(signals[0]);
  ASSERT_EQ(::write(signals[1], "x", 1), 1);
  for (int i = 0; i < 20'000; ++i) printer.line("more than a pipe holds");
  const Status written = printer.flush();
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kCancelled);
  ::close(signals[0]);
  ::close(signals[1]);
}

}  // namespace
}  // namespace kith::cli
