// Several partitions of conversations in one data directory: each has a journal and a store of its own,
// and their number never changes.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "kith/conformance/command_log_suite.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/embedded.h"
#include "server/adapters/embedded/partition_count.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

namespace fs = std::filesystem;
using namespace conformance;

class Partitions : public testing::Test {
 protected:
  void open(std::uint32_t partitions) {
    stores_.reset();
    stores_ = opened(open_embedded(data_, loop_, partitions));
    ASSERT_TRUE(stores_);
    ASSERT_EQ(stores_->partitions(), partitions);
  }
  void append(std::uint32_t partition, std::uint64_t number) {
    const auto entry = answer_of<LogEntry>(loop_, [&](auto done) {
      stores_->log(partition).append(record_of(number), std::move(done));
    });
    ASSERT_TRUE(entry.ok()) << entry.error().to_string();
  }
  void store(std::uint32_t partition, Position position) {
    StoreBatch batch;
    batch.position = position;
    const auto written = answer_of<void>(loop_, [&](auto done) {
      stores_->store(partition).apply(std::make_shared<const StoreBatch>(batch), std::move(done));
    });
    ASSERT_TRUE(written.ok()) << written.error().to_string();
  }
  // The journals of the two partitions end at 1 and 3, their stores at 1 and 2.
  void write_two() {
    open(2);
    append(0, 10);
    for (const std::uint64_t number : {20, 21, 22}) append(1, number);
    store(0, 1);
    store(1, 2);
  }
  void expect_two() {
    EXPECT_EQ(stores_->log(0).last(), 1u);
    EXPECT_EQ(stores_->log(1).last(), 3u);
    EXPECT_EQ(stores_->log(1).read(2, 9)->at(0).record.gateway_ts_ms, 22);
    EXPECT_EQ(stores_->store(0).applied()->position, 1u);
    EXPECT_EQ(stores_->store(1).applied()->position, 2u);
  }
  Error refusal(std::uint32_t partitions) {
    stores_.reset();
    const auto refused = open_embedded(data_, loop_, partitions);
    return refused ? make_error(ErrorCode::kInternal, "opened") : refused.error();
  }

  ScratchDirectory dir_;
  std::string data_ = dir_.file("data");
  DrainedScheduler loop_;
  std::unique_ptr<EmbeddedStores> stores_;
};

TEST_F(Partitions, KeepWhatIsTheirs) {
  write_two();
  open(2);
  expect_two();
  // The first lies where a directory of one has it.
  EXPECT_TRUE(fs::exists(data_ + "/store.db"));
  EXPECT_TRUE(fs::exists(data_ + "/journal"));
  EXPECT_TRUE(fs::exists(data_ + "/partitions/1/store.db"));
  EXPECT_TRUE(fs::exists(data_ + "/partitions/1/journal"));
  EXPECT_FALSE(fs::exists(data_ + "/partitions/0"));
  EXPECT_EQ(fs::status(data_ + "/partitions/1").permissions(), fs::perms::owner_all);
}

TEST_F(Partitions, AnotherNumberIsRefusedWithBoth) {
  write_two();
  for (const std::uint32_t other : {1U, 3U}) {
    const Error error = refusal(other);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_NE(error.message.find("partitions = 2"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("partitions = " + std::to_string(other)), std::string::npos)
        << error.message;
  }
  EXPECT_FALSE(fs::exists(data_ + "/partitions/2"));
  open(2);
  expect_two();
}

TEST_F(Partitions, ADirectoryOfBeforeHasOne) {
  open(1);
  append(0, 10);
  store(0, 1);
  stores_.reset();
  ASSERT_TRUE(fs::remove(data_ + "/partition_count"));
  const Error error = refusal(2);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error.message.find("partitions = 1"), std::string::npos) << error.message;
  EXPECT_FALSE(fs::exists(data_ + "/partitions"));
  open(1);
  EXPECT_EQ(stores_->log(0).last(), 1u);
}

// A secret, or the certificate of a trial, may be there before the first start.
TEST_F(Partitions, ADirectoryThatNoServerHasUsedTakesAnyNumber) {
  fs::create_directories(data_);
  std::ofstream(data_ + "/secret") << "s";
  open(3);
  EXPECT_EQ(*partitions_of(data_), 3u);
}

TEST_F(Partitions, AStartThatWasKilledBeforeTheFilesWereMadeIsGoneOnWith) {
  fs::create_directories(data_);
  ASSERT_TRUE(keep_partitions(data_, 2).ok());
  EXPECT_EQ(refusal(1).code, ErrorCode::kInvalidArgument);
  open(2);
}

TEST_F(Partitions, ADamagedNumberIsATypedError) {
  write_two();
  stores_.reset();
  for (const char* damage : {"", "two\n", "0\n", "257\n"}) {
    std::ofstream(data_ + "/partition_count") << damage;
    const Error error = refusal(2);
    EXPECT_EQ(error.code, ErrorCode::kCacheCorrupt) << damage;
    EXPECT_NE(error.message.find("partition_count"), std::string::npos);
  }
}

TEST_F(Partitions, ABackupHasThemAll) {
  write_two();
  const std::atomic<bool> never{false};
  const Status copied = stores_->backup(dir_.file("copy"), never);
  ASSERT_TRUE(copied.ok()) << copied.error().to_string();
  append(1, 23);
  stores_.reset();
  data_ = dir_.file("copy");
  EXPECT_EQ(*partitions_of(data_), 2u);
  EXPECT_EQ(refusal(1).code, ErrorCode::kInvalidArgument);
  open(2);
  expect_two();
  EXPECT_TRUE(stores_->runs()->runs().back().copied);
}

// A device's version counts records of all logs, so a run begins behind all of them.
TEST_F(Partitions, ARunBeginsBehindTheRecordsOfAll) {
  write_two();
  open(2);
  EXPECT_EQ(stores_->runs()->runs().front().first, 1u);
  EXPECT_EQ(stores_->runs()->runs().back().first, 5u);
  EXPECT_EQ(stores_->runs()->runs().back().kept_until_ms, 22);
  const std::string run = stores_->runs()->runs().front().id;
  EXPECT_TRUE(stores_->runs()->judge(run, 4).ours);
  EXPECT_FALSE(stores_->runs()->judge(run, 5).ours);
}

// Each answers on the loop that owns it, and nowhere else.
TEST_F(Partitions, AnswerOnTheLoopThatOwnsThem) {
  DrainedScheduler second;
  const auto stores = opened(open_ports(data_, {}, loop_, false, 2, [&](std::uint32_t partition) {
    DrainedScheduler& loop = partition == 0 ? loop_ : second;
    return PartitionLoop{loop, loop};
  }));
  ASSERT_TRUE(stores);
  bool appended = false;
  stores->log(1).append(record_of(1), [&](const Result<LogEntry>& entry) {
    EXPECT_TRUE(entry.ok());
    appended = true;
  });
  drain(loop_);
  EXPECT_FALSE(appended);
  ASSERT_TRUE(second.run_until([&] { return appended; }));
  bool stored = false;
  StoreBatch batch;
  batch.position = 1;
  stores->store(1).apply(std::make_shared<const StoreBatch>(batch), [&](Status) { stored = true; });
  ASSERT_TRUE(second.run_until([&] { return stored; }));
  EXPECT_EQ(stores->log(0).last(), 0u);
}

TEST_F(Partitions, OfMemoryAreApartToo) {
  const auto stores = opened(open_ports("", {}, loop_, false, 2, [&](std::uint32_t) {
    return PartitionLoop{loop_, loop_};
  }));
  ASSERT_TRUE(stores);
  ASSERT_TRUE(answer_of<LogEntry>(loop_, [&](auto done) {
                stores->log(1).append(record_of(1), std::move(done));
              }).ok());
  EXPECT_EQ(stores->log(0).last(), 0u);
  EXPECT_EQ(stores->log(1).last(), 1u);
}

TEST_F(Partitions, GivenOnesAreOpenedWithTheirNumberAndLoop) {
  DrainedScheduler second;
  std::string order;
  ServerPorts given;
  given.log = [&](Scheduler& loop, std::uint32_t partition) -> Result<std::unique_ptr<CommandLog>> {
    EXPECT_EQ(&loop, partition == 0 ? &loop_ : &second);
    order += std::to_string(partition);
    if (partition == 1) return make_error(ErrorCode::kUnavailable, "no broker answers");
    using Memory = CommandLogMemory;
    return std::unique_ptr<CommandLog>(
        std::make_unique<Memory>(std::make_shared<Memory::Disk>(), loop));
  };
  const auto refused = open_ports(data_, given, loop_, false, 2, [&](std::uint32_t partition) {
    DrainedScheduler& loop = partition == 0 ? loop_ : second;
    return PartitionLoop{loop, loop};
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "no broker answers");
  EXPECT_EQ(order, "01");
}

}  // namespace
}  // namespace kith::server
