// The journal of files beyond what every command log does: torn and damaged files, faults of the
// disk, and files that are used again.
#include "server/adapters/embedded/command_log_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "kith/conformance/command_log_suite.h"
#include "server/adapters/embedded/log_segment.h"
#include "tests/conformance/faulty_folder.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

using namespace conformance;

namespace fs = std::filesystem;

constexpr std::uint64_t kSmallSegment = 8'192;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return (std::ostringstream() << in.rdbuf()).str();
}

void put_content(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

// So small that every test of the suite needs several.
struct SmallSegments {
  ScratchDirectory dir;
  DrainedScheduler loop;
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<CommandLog> open(std::uint64_t bytes_max = UINT64_MAX) {
    auto folder = std::make_unique<FaultyFolder>(dir.file("journal"));
    folder->faults().bytes_max = bytes_max;
    LogSegments::Options options;
    options.segment_bytes = kSmallSegment;
    return opened(CommandLogFile::open(std::move(folder), loop, options));
  }
  std::unique_ptr<CommandLog> open_nearly_full() { return open(120'000); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(SmallSegments, CommandLogSuite, SmallSegments);

// A journal with the disk's faults at hand; `numbers()` is what it holds.
class CommandLogFileTest : public testing::Test {
 protected:
  CommandLogFileTest() { options_.segment_bytes = kSmallSegment; }

  Result<std::unique_ptr<CommandLogFile>> try_open(const std::string& path) {
    return CommandLogFile::open(std::make_unique<FaultyFolder>(path, faults_), loop_, options_);
  }
  void open() {
    log_.reset();
    log_ = opened(try_open(path_));
    ASSERT_TRUE(log_);
  }
  Result<LogEntry> append(std::uint64_t number, std::size_t size = 10) {
    return answer_of<LogEntry>(
        loop_, [&](auto done) { log_->append(record_of(number, size), std::move(done)); });
  }
  // Numbers from `first` on, each in a commit of its own.
  void append_each(std::uint64_t first, std::uint64_t last, std::size_t size = 10) {
    for (std::uint64_t n = first; n <= last; ++n) ASSERT_TRUE(append(n, size).ok());
  }
  // At once. False: the writer was not asleep, and began with some of them.
  bool appended_together(std::uint64_t first, std::uint64_t last, std::size_t size) {
    std::uint64_t answered = 0;
    const int before = faults_->syncs;
    for (std::uint64_t n = first; n <= last; ++n) {
      log_->append(record_of(n, size), [&](const Result<LogEntry>&) { ++answered; });
    }
    EXPECT_TRUE(loop_.run_until([&] { return answered == last + 1 - first; }));
    return faults_->syncs == before + 1;
  }
  // Into an empty journal, which is begun anew until the writer was asleep.
  bool append_in_one_commit(std::uint64_t first, std::uint64_t last, std::size_t size) {
    for (int tries = 0; tries < 1'000; ++tries) {
      if (appended_together(first, last, size)) return true;
      log_.reset();
      fs::remove_all(path_);
      open();
    }
    return false;
  }
  static std::vector<std::uint64_t> numbers(CommandLog& log, Position after = 0) {
    std::vector<std::uint64_t> found;
    const auto entries = log.read(after, 1'000'000);
    if (!entries) ADD_FAILURE() << entries.error().to_string();
    if (!entries) return found;
    for (const LogEntry& entry : *entries) {
      found.push_back(static_cast<std::uint64_t>(entry.record.gateway_ts_ms));
    }
    return found;
  }
  std::vector<std::uint64_t> numbers(Position after = 0) { return numbers(*log_, after); }
  // The names of the files, in order of their making.
  std::vector<fs::path> files() const {
    std::set<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path_)) found.insert(entry.path());
    return {found.begin(), found.end()};
  }
  // Trims and waits until `oldest` is the first record that is kept.
  void trim(Position upto, Position oldest) {
    log_->trim(upto);
    for (int i = 0; i < 1'000'000; ++i) {
      const auto entries = log_->read(0, 1);
      if (entries && !entries->empty() && entries->front().position == oldest) return;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "not trimmed";
  }
  ErrorCode opening_fails(const std::string& named = "") {
    const auto refused = try_open(path_);
    if (refused) return ErrorCode::kInternal;
    EXPECT_NE(refused.error().message.find(named), std::string::npos) << refused.error().message;
    return refused.error().code;
  }
  // Opens the files that a crash now would leave.
  std::unique_ptr<CommandLogFile> after_crash() {
    const std::string copy = dir_.file("crashed" + std::to_string(++copies_));
    fs::copy(path_, copy, fs::copy_options::recursive);
    return opened(CommandLogFile::open(std::make_unique<FaultyFolder>(copy), loop_, options_));
  }

  ScratchDirectory dir_;
  const std::string path_ = dir_.file("journal");
  DrainedScheduler loop_;
  std::shared_ptr<FaultyFolder::Faults> faults_ = std::make_shared<FaultyFolder::Faults>();
  LogSegments::Options options_;
  std::unique_ptr<CommandLogFile> log_;
  int copies_ = 0;
};

std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (; first <= last; ++first) all.push_back(first);
  return all;
}

// Where what was written ends: zeros follow.
std::size_t end_of(const std::string& bytes) {
  return bytes.find_last_not_of('\0') + 1;
}

TEST_F(CommandLogFileTest, ACommitThatWasCutAnywhereIsNotThereAndTheOnesBeforeAre) {
  open();
  append_each(1, 2);
  log_.reset();
  const std::string two = content_of(files().front());
  open();
  append_each(3, 3);
  log_.reset();
  const std::string three = content_of(files().front());
  for (std::size_t at = end_of(two); at <= end_of(three); ++at) {
    for (const bool zeros : {false, true}) {
      std::string torn = three.substr(0, at);
      if (zeros) torn.resize(three.size(), '\0');
      put_content(files().front(), torn);
      open();
      const std::uint64_t kept = at == end_of(three) ? 3 : 2;
      ASSERT_EQ(log_->last(), kept) << at;
      ASSERT_TRUE(append(kept + 1).ok());
      open();
      ASSERT_EQ(numbers(), from_to(1, kept + 1)) << at;
      log_.reset();
    }
  }
}

TEST_F(CommandLogFileTest, ThePiecesOfATornCommitNeverBecomeValidLater) {
  options_.segment_bytes = LogSegments::kSegmentBytes;
  open();
  ASSERT_TRUE(append_in_one_commit(1, 4, 40'000));  // two blocks of two records
  ASSERT_EQ(log_->last(), 4u);
  log_.reset();
  std::string bytes = content_of(files().front());
  bytes[kSegmentHeaderBytes + 1'000] ^= 1;
  bool together = false;
  for (int tries = 0; tries < 1'000 && !together; ++tries) {
    log_.reset();
    put_content(files().front(), bytes);
    open();
    ASSERT_EQ(log_->last(), 0u) << "it was one commit";
    together = appended_together(11, 12, 40'000);  // as long as the first block was
  }
  ASSERT_TRUE(together);
  open();
  EXPECT_EQ(numbers(), (std::vector<std::uint64_t>{11, 12}));
  EXPECT_EQ(log_->last(), 2u);
}

TEST_F(CommandLogFileTest, ADamagedCommitIsToldUnlessItIsTheLast) {
  open();
  append_each(1, 3);
  log_.reset();
  const std::string whole = content_of(files().front());
  const std::size_t block = (end_of(whole) - kSegmentHeaderBytes) / 3;
  for (std::size_t at = 0; at < 3 * block; ++at) {
    std::string bytes = whole;
    bytes[kSegmentHeaderBytes + at] ^= 0x10;
    put_content(files().front(), bytes);
    if (at < 2 * block) {
      EXPECT_EQ(opening_fails(files().front().string()), ErrorCode::kCacheCorrupt) << at;
      EXPECT_EQ(content_of(files().front()), bytes) << "kept for repair";
    } else {
      open();
      EXPECT_EQ(numbers(), from_to(1, 2)) << at;
      log_.reset();
    }
  }
}

TEST_F(CommandLogFileTest, DamageInAnOlderSegmentIsToldWithTheNameOfItsFile) {
  open();
  append_each(1, 5, 4'000);
  log_.reset();
  ASSERT_GE(files().size(), 3u);
  const fs::path oldest = files().front();
  std::string bytes = content_of(oldest);
  bytes[end_of(bytes) - 10] ^= 1;  // of its last commit, which another segment follows
  put_content(oldest, bytes);
  EXPECT_EQ(opening_fails(oldest.string()), ErrorCode::kCacheCorrupt);
}

TEST_F(CommandLogFileTest, AMissingSegmentIsTold) {
  open();
  append_each(1, 5, 4'000);
  log_.reset();
  ASSERT_GE(files().size(), 3u);
  fs::remove(files()[1]);
  EXPECT_EQ(opening_fails(files()[0].string()), ErrorCode::kCacheCorrupt);
}

TEST_F(CommandLogFileTest, ADamagedHeaderIsToldAndANewerVersionIsLeftAlone) {
  open();
  append_each(1, 1);
  log_.reset();
  const std::string whole = content_of(files().front());
  for (std::size_t at = 0; at < 44; ++at) {
    std::string bytes = whole;
    bytes[at] ^= 4;
    put_content(files().front(), bytes);
    EXPECT_EQ(opening_fails(files().front().string()), ErrorCode::kCacheCorrupt) << at;
  }
  // Version 3, with its checksum.
  std::string newer = whole;
  newer.replace(8, 4, std::string("\x03\x00\x00\x00", 4));
  std::uint32_t crc = 0xffffffff;
  for (std::size_t at = 0; at < 40; ++at) {
    crc ^= static_cast<unsigned char>(newer[at]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  for (int i = 0; i < 4; ++i) newer[40 + i] = static_cast<char>(~crc >> (8 * i));
  put_content(files().front(), newer);
  EXPECT_EQ(opening_fails(files().front().string()), ErrorCode::kCacheTooNew);
  EXPECT_EQ(content_of(files().front()), newer);
}

TEST_F(CommandLogFileTest, FilesAreUsedAgainAndWhatTheyHeldBeforeIsNeverRead) {
  open();
  std::set<fs::path> seen;
  std::uint64_t next = 1;
  for (int round = 0; round < 40; ++round) {
    append_each(next, next + 1, 3'000);
    next += 2;
    log_->trim(next - 2);
    for (const fs::path& file : files()) seen.insert(file);
  }
  EXPECT_LE(seen.size(), 6u) << "files are used again";
  const auto kept = numbers();
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.back(), next - 1);
  for (int i = 0; i < 10; ++i) {
    open();
    EXPECT_EQ(log_->last(), next - 1);
    const auto found = numbers();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found, from_to(found.front(), next - 1));
    append_each(next, next, 3'000);
    ++next;
  }
}

TEST_F(CommandLogFileTest, PositionsGoOnWhenEverythingIsTrimmedHoweverOftenItIsOpened) {
  std::uint64_t next = 1;
  for (int round = 0; round < 20; ++round) {
    open();
    ASSERT_EQ(log_->last(), next - 1);
    append_each(next, next, 5'000);
    ++next;
    log_->trim(next - 1);
  }
  open();
  EXPECT_EQ(log_->last(), next - 1);
}

TEST_F(CommandLogFileTest, ReadsPageByPageOverSegmentsFromAnywhere) {
  open();
  for (std::uint64_t n = 1; n <= 200; n += 10) appended_together(n, n + 9, 100);
  ASSERT_GE(files().size(), 3u);
  for (const std::size_t page : {1, 7, 64, 1'000}) {
    std::vector<std::uint64_t> all;
    while (true) {
      const auto entries = log_->read(all.size(), page);
      ASSERT_TRUE(entries.ok());
      if (entries->empty()) break;
      ASSERT_LE(entries->size(), page);
      for (const LogEntry& entry : *entries) {
        ASSERT_EQ(entry.position, all.size() + 1);
        all.push_back(static_cast<std::uint64_t>(entry.record.gateway_ts_ms));
      }
    }
    EXPECT_EQ(all, from_to(1, 200));
  }
  EXPECT_EQ(numbers(150), from_to(151, 200));
  EXPECT_EQ(numbers(3), from_to(4, 200)) << "also back";
}

TEST_F(CommandLogFileTest, ReadingGoesOnWhileFilesAreGivenFreeAndUsedAgain) {
  open();
  std::uint64_t next = 1;
  for (int round = 0; round < 300; ++round) {
    append_each(next, next + 1, 3'000);
    next += 2;
    log_->trim(next - 2);
    const auto found = numbers(next - 2);
    ASSERT_EQ(found, from_to(next - 1, next - 1));
    const auto entries = log_->read(0, 1'000);  // also what is just given free
    ASSERT_TRUE(entries.ok()) << entries.error().to_string();
    ASSERT_EQ(entries->back().position, next - 1);
  }
}

TEST_F(CommandLogFileTest, AFailedWriteIsRefusedAndNotFoundLater) {
  open();
  append_each(1, 1);
  faults_->failing_writes = 1;
  const auto refused = append(2);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_EQ(numbers(*after_crash()), from_to(1, 1));
  const auto next = append(3);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->position, 2u);
  EXPECT_EQ(numbers(), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(numbers(*after_crash()), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(CommandLogFileTest, AfterAFailedSyncTheFileIsLeftAndTheRefusedRecordsNeverComeBack) {
  for (const bool cut_fails : {false, true}) {
    open();
    const Position before = log_->last();
    const auto kept = numbers();
    const std::size_t count = files().size();
    faults_->failing_syncs = 1;
    faults_->failing_cuts = cut_fails ? 1 : 0;
    EXPECT_FALSE(append(99).ok());
    EXPECT_EQ(log_->last(), before);
    {
      const auto crashed = after_crash();
      EXPECT_EQ(crashed->last(), before);
      EXPECT_EQ(numbers(*crashed), kept);
    }
    const auto next = append(7);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(next->position, before + 1);
    EXPECT_EQ(files().size(), count + 1) << "another file";
    ASSERT_TRUE(append(8).ok());
    const auto all = numbers();
    EXPECT_EQ(all.size(), before + 2);
    EXPECT_EQ(std::count(all.begin(), all.end(), 99u), 0);
    open();
    EXPECT_EQ(numbers(), all);
  }
}

TEST_F(CommandLogFileTest, NothingIsAcknowledgedWhileTheDiskFailsAndItGoesOnWhenItWorksAgain) {
  open();
  append_each(1, 3);
  faults_->failing_syncs = 1'000;
  faults_->failing_cuts = 1'000;
  for (std::uint64_t n = 50; n < 60; ++n) EXPECT_FALSE(append(n).ok());
  faults_->failing_syncs = faults_->failing_cuts = 0;
  append_each(4, 6);
  EXPECT_EQ(numbers(), from_to(1, 6));
  open();
  EXPECT_EQ(numbers(), from_to(1, 6));
}

// If any step of beginning the next segment fails, its remains do no harm.
TEST_F(CommandLogFileTest, ASegmentThatCouldNotBeBegunIsForgottenInItsTurn) {
  std::uint64_t next = 1;
  const auto faults = {&faults_->failing_syncs, &faults_->failing_folder_syncs,
                       &faults_->failing_writes};
  for (int round = 0; round < 10; ++round) {
    for (std::atomic<int>* fault : faults) {
      open();
      append_each(next, next, 9'000);  // the next one begins another segment
      ++next;
      *fault = round % 4 + 1;
      while (!append(next, 9'000)) {
      }
      *fault = 0;
      ++next;
      append_each(next, next + 3, 9'000);
      next += 4;
      EXPECT_EQ(after_crash()->last(), next - 1);
      trim(next - 1, next - 1);
      append_each(next, next, 9'000);  // behind the last of the trimming
      ++next;
      EXPECT_EQ(after_crash()->last(), next - 1);
    }
  }
  open();
  EXPECT_EQ(log_->last(), next - 1);
  EXPECT_LE(files().size(), 5u);
}

// The one before it is all that a start can rely on.
TEST_F(CommandLogFileTest, NothingIsGivenFreeWhileTheNextSegmentCouldNotBeBegun) {
  open();
  append_each(1, 1, 9'000);  // the next one begins another segment
  faults_->failing_folder_syncs = 3;
  EXPECT_FALSE(append(2).ok());
  log_->trim(1);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(append(2).ok());  // behind the trimming
  log_.reset();
  for (const fs::path& file : files()) {
    if (file != files().front()) fs::remove(file);  // its name was never synced
  }
  open();
  EXPECT_EQ(log_->last(), 1u);
  append_each(2, 2);
  EXPECT_EQ(numbers(), from_to(1, 2));
}

TEST_F(CommandLogFileTest, ASegmentThatCannotBeGivenFreeStaysUntilItCan) {
  open();
  append_each(1, 6, 5'000);
  EXPECT_EQ(after_crash()->last(), 6u);
  faults_->failing_syncs = 1;
  faults_->failing_folder_syncs = 1;
  log_->trim(6);
  while (faults_->failing_folder_syncs != 0) std::this_thread::yield();
  append_each(7, 7);
  EXPECT_EQ(after_crash()->last(), 7u);
  trim(7, 7);
  append_each(8, 8);  // behind the last of the trimming
  EXPECT_EQ(after_crash()->last(), 8u);
}

TEST_F(CommandLogFileTest, WhatACrashLeavesWhileTheNextSegmentIsBegunIsNoDamage) {
  open();
  append_each(1, 2, 5'000);
  log_.reset();
  put_content(path_ + "/next.tmp", "kithlog");  // before its rename
  SegmentHeader header{false, 77, 3, 1'234};    // before its first block
  put_content(path_ + "/00000000000000000077.log", encode_segment_header(header));
  header = {true, 5, 1, 99};  // given free
  put_content(path_ + "/00000000000000000005.log", encode_segment_header(header) + "old blocks");
  open();
  EXPECT_EQ(log_->last(), 2u);
  append_each(3, 6, 5'000);
  open();
  EXPECT_EQ(numbers(), from_to(1, 6));
  EXPECT_FALSE(fs::exists(path_ + "/next.tmp"));
}

TEST_F(CommandLogFileTest, FreeFilesAloneAreNoEmptyJournal) {
  fs::create_directories(path_);
  put_content(path_ + "/00000000000000000005.log", encode_segment_header({true, 5, 1, 99}));
  EXPECT_EQ(opening_fails(), ErrorCode::kCacheCorrupt);
}

TEST_F(CommandLogFileTest, ADiskWithoutRoomForZerosHasRoomForRecords) {
  options_.segment_bytes = LogSegments::kSegmentBytes;
  faults_->bytes_max = 20'000;  // less than a file grows by
  open();
  append_each(1, 3, 4'000);
  const auto refused = append(4, 4'000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
  EXPECT_TRUE(append(4).ok()) << "a small one fits";
  EXPECT_EQ(numbers(), from_to(1, 4));
  EXPECT_EQ(numbers(*after_crash()), from_to(1, 4));
}

TEST_F(CommandLogFileTest, ACommitIsOneSync) {
  options_.segment_bytes = LogSegments::kSegmentBytes;
  open();
  ASSERT_TRUE(append_in_one_commit(1, 500, 100));
  EXPECT_EQ(log_->last(), 500u);
}

TEST_F(CommandLogFileTest, CommitsWhatWasAppendedBeforeItIsClosed) {
  open();
  for (std::uint64_t n = 1; n <= 10; ++n) log_->append(record_of(n), [](Result<LogEntry>) {});
  open();
  EXPECT_EQ(log_->last(), 10u);
}

TEST_F(CommandLogFileTest, ARecordBehindAnUntoldRefusalIsRefusedThoughItWouldFit) {
  faults_->bytes_max = 30 * 4'096;
  options_.segment_bytes = LogSegments::kSegmentBytes;
  open();
  std::vector<bool> accepted;
  const auto note = [&](const Result<LogEntry>& entry) { accepted.push_back(entry.ok()); };
  for (std::uint64_t n = 0; n < 100; ++n) log_->append(record_of(n, 4'000), note);
  log_->trim(0);  // wakes the writer, though the executor has not run yet
  while (log_->pending() != 0) std::this_thread::yield();  // decided, callbacks not yet run
  log_->append(record_of(100, 1), note);
  ASSERT_TRUE(loop_.run_until([&] { return accepted.size() == 101; }));
  EXPECT_FALSE(accepted.back());
  EXPECT_TRUE(append(101, 1).ok());
}

}  // namespace
}  // namespace kith::server
