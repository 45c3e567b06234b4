// Database: versions, transactions and errors of one SQLite file, as both libraries use them.
#include "src/sqlite/database_sqlite.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/scratch_directory.h"

namespace kith {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  Database::Options options(int version = 1) const {
    Database::Options options;
    options.path = dir.file("a.db");
    options.schema_version = version;
    options.schema = "CREATE TABLE IF NOT EXISTS word(text TEXT UNIQUE)";
    if (version > 1) options.upgrades = {"INSERT INTO word VALUES('upgraded')"};
    return options;
  }
  static std::unique_ptr<Database> opened(const Database::Options& options) {
    auto db = Database::open(options);
    EXPECT_TRUE(db.ok()) << db.error().to_string();
    return db ? std::move(*db) : nullptr;
  }
  static std::vector<std::string> words(Database& db) {
    std::vector<std::string> found;
    const Status read = db.each("SELECT text FROM word ORDER BY text",
                                [&](const Query& row) { found.push_back(row.bytes(0)); });
    EXPECT_TRUE(read.ok());
    return found;
  }
  static Database::Step put(Database& db, const std::string& word) {
    Query row = db.query("INSERT INTO word VALUES(?1)");
    return db.run(row.text(word));
  }
  test::ScratchDirectory dir;
};

using Words = std::vector<std::string>;

TEST_F(DatabaseTest, IsForItsOwnerAlone) {
  const auto db = opened(options());
  EXPECT_EQ(std::filesystem::status(dir.file("a.db")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(DatabaseTest, ATransactionIsWholeOrNothing) {
  const auto db = opened(options());
  EXPECT_TRUE(db->transaction([&] { put(*db, "one"); }).ok());
  const Status failed = db->transaction([&] {
    EXPECT_EQ(put(*db, "two"), Database::Step::kDone);
    EXPECT_EQ(put(*db, "one"), Database::Step::kFailed);
    EXPECT_EQ(put(*db, "three"), Database::Step::kFailed) << "nothing runs behind a failure";
  });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  EXPECT_EQ(words(*db), (Words{"one"}));
  EXPECT_TRUE(db->transaction([&] { put(*db, "four"); }).ok()) << "and the next one is free";
  EXPECT_EQ(words(*db), (Words{"four", "one"}));
}

TEST_F(DatabaseTest, ErrorsHaveTheCodesAndTheSourceThatWereAskedFor) {
  Database::Options mine = options();
  mine.source = "cache";
  mine.nonsense = ErrorCode::kCacheCorrupt;
  mine.busy = ErrorCode::kAlreadyOpen;
  mine.patience = Millis(1);
  const auto db = opened(mine);
  const Status wrong = db->execute("INSERT INTO no_such_table VALUES(1)");
  EXPECT_EQ(wrong.error().code, ErrorCode::kCacheCorrupt);
  EXPECT_TRUE(wrong.error().message.starts_with("cache: ")) << wrong.error().message;
  const auto other = opened(mine);
  const Transaction writing(*other);
  ASSERT_TRUE(writing.begun().ok());
  EXPECT_EQ(db->transaction([] {}).error().code, ErrorCode::kAlreadyOpen);
}

TEST_F(DatabaseTest, VersionsAreUpgradedOrRefused) {
  EXPECT_TRUE(opened(options())->transaction([] {}).ok());
  EXPECT_EQ(words(*opened(options(2))), (Words{"upgraded"}));
  EXPECT_EQ(words(*opened(options(2))), (Words{"upgraded"})) << "once";
  const auto later = Database::open(options(1));
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().code, ErrorCode::kCacheTooNew);
  EXPECT_TRUE(later.error().message.starts_with(dir.file("a.db"))) << later.error().message;
  Database::Options refusing = options(3);
  refusing.refuse_if = "SELECT 1 FROM word WHERE text='upgraded'";
  refusing.refusal = "of other words";
  const auto refused = Database::open(refusing);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCacheTooOld);
  EXPECT_NE(refused.error().message.find("of other words"), std::string::npos);
  EXPECT_EQ(words(*opened(options(2))), (Words{"upgraded"})) << "it is left as it is";
}

TEST_F(DatabaseTest, TheSchemaBehindTheUpgradesMakesWhatIsNew) {
  opened(options());
  Database::Options next = options(2);
  next.schema =
      "CREATE TABLE IF NOT EXISTS word(text TEXT);CREATE TABLE IF NOT EXISTS fresh(a INT)";
  next.schema_behind_upgrades = true;
  EXPECT_TRUE(opened(next)->execute("INSERT INTO fresh VALUES(1)").ok());
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsDamageAndIsKept) {
  std::ofstream(dir.file("a.db")) << std::string(8'192, 'z');
  const auto refused = Database::open(options());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCacheCorrupt);
  EXPECT_EQ(std::filesystem::file_size(dir.file("a.db")), 8'192u);
}

}  // namespace
}  // namespace kith
