// The directory in one SQLite file (users.db), on a thread of its own: every change is synced
// before it is answered, those that wait together with one sync.
#include "server/adapters/embedded/directory_sqlite.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kith/server/ports/user_rules.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

namespace {

constexpr int kSchemaVersion = 3;
constexpr const char* kSchema =
    "CREATE TABLE user(id BLOB PRIMARY KEY,handle BLOB NOT NULL,display_name BLOB,hash BLOB,"
    "online INT,last_seen_audience INT,receipts INT,last_seen INT,tokens_from INT,"
    "removed INT NOT NULL DEFAULT 0,group_adds INT NOT NULL DEFAULT 1,"
    "first_messages INT NOT NULL DEFAULT 1) WITHOUT ROWID;"
    "CREATE TABLE relation(user BLOB,kind INT,other BLOB,PRIMARY KEY(user,kind,other))"
    " WITHOUT ROWID;"
    "CREATE TABLE device(user BLOB,id BLOB,agent BLOB,last_seen INT,revoked INT,"
    "spared INT NOT NULL DEFAULT 0,tokens BLOB,dropped INT NOT NULL DEFAULT 0,"
    "PRIMARY KEY(user,id)) WITHOUT ROWID;"
    "CREATE INDEX leaving ON user(removed) WHERE removed=1";
// Version 2: accounts can be removed, and devices know the host's tokens that they came in with.
constexpr const char* kToVersion2 =
    "ALTER TABLE user ADD COLUMN removed INT NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN spared INT NOT NULL DEFAULT 0;"
    "ALTER TABLE device ADD COLUMN tokens BLOB;"
    "ALTER TABLE device ADD COLUMN dropped INT NOT NULL DEFAULT 0;"
    "CREATE INDEX leaving ON user(removed) WHERE removed=1";
// Version 3: people say who may add them to groups and start a 1:1 with them.
constexpr const char* kToVersion3 =
    "ALTER TABLE user ADD COLUMN group_adds INT NOT NULL DEFAULT 1;"
    "ALTER TABLE user ADD COLUMN first_messages INT NOT NULL DEFAULT 1";
// user.removed
constexpr std::uint32_t kActive = 0;
constexpr std::uint32_t kLeaving = 1;
constexpr std::uint32_t kLeft = 2;
constexpr std::size_t kGroupMax = 512;  // what is asked at a time
constexpr std::uint32_t kContact = 1;
constexpr std::uint32_t kBlocked = 2;

// From the column `first` on.
PrivacySettings privacy_of(const Query& row, int first) {
  return {static_cast<Audience>(row.number(first)), static_cast<Audience>(row.number(first + 1)),
          row.number(first + 2) != 0, static_cast<Audience>(row.number(first + 3)),
          static_cast<Audience>(row.number(first + 4))};
}

Result<std::optional<UserRecord>> load_user(Database& db, const UserId& id) {
  UserRecord user;
  {
    Query row = db.query(
        "SELECT handle,display_name,online,last_seen_audience,receipts,group_adds,first_messages,"
        "last_seen,tokens_from FROM user WHERE id=?1 AND removed=0");
    if (!row.bind(id).next()) {
      if (auto status = row.status(); !status) return status.error();
      return std::optional<UserRecord>();
    }
    user.id = id;
    user.handle = row.bytes(0);
    user.display_name = row.bytes(1);
    user.privacy = privacy_of(row, 2);
    user.last_seen_ms = row.time(7);
    user.tokens_valid_from_ms = row.time(8);
  }
  Query rows = db.query("SELECT kind,other FROM relation WHERE user=?1 ORDER BY kind,other");
  rows.bind(id);
  while (rows.next()) {
    auto& list = rows.number(0) == kContact ? user.contacts : user.blocked;
    list.push_back(rows.id<UserId>(1));
  }
  if (auto status = rows.status(); !status) return status.error();
  return std::optional(std::move(user));
}

Status write_relations(Database& db, const UserId& user, std::uint32_t kind,
                       const std::vector<UserId>& removed, const std::vector<UserId>& added) {
  for (const UserId& other : removed) {
    auto status = db.query("DELETE FROM relation WHERE user=?1 AND kind=?2 AND other=?3")
                      .bind(user, kind, other)
                      .run();
    if (!status) return status;
  }
  for (const UserId& other : added) {
    auto status = db.query("INSERT OR IGNORE INTO relation(user,kind,other) VALUES(?1,?2,?3)")
                      .bind(user, kind, other)
                      .run();
    if (!status) return status;
  }
  return {};
}

Status write_user(Database& db, const UserRecord& user, const UserChange& change) {
  auto status =
      db.query(
            "UPDATE user SET display_name=?2,online=?3,last_seen_audience=?4,"
            "receipts=?5,last_seen=?6,tokens_from=?7,group_adds=?8,first_messages=?9 WHERE id=?1")
          .bind(user.id, user.display_name, static_cast<std::uint32_t>(user.privacy.online),
                static_cast<std::uint32_t>(user.privacy.last_seen), user.privacy.receipts,
                user.last_seen_ms, user.tokens_valid_from_ms,
                static_cast<std::uint32_t>(user.privacy.group_adds),
                static_cast<std::uint32_t>(user.privacy.first_messages))
          .run();
  if (!status) return status;
  status = write_relations(db, user.id, kContact, change.remove_contacts, change.add_contacts);
  if (!status) return status;
  return write_relations(db, user.id, kBlocked, change.unblock, change.block);
}

Status replace_device(Database& db, const UserId& user, const DeviceRecord& device) {
  const std::string tokens = encode_tokens(device.tokens);
  return db
      .query(
          "REPLACE INTO device(user,id,agent,last_seen,revoked,spared,tokens,dropped)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")
      .bind(user, device.id, device.agent, device.last_seen_ms, device.revoked_ms, device.spared_ms,
            tokens, device.tokens_dropped_ms)
      .run();
}

// The columns of kDevice.
DeviceRecord device_of(const Query& row) {
  DeviceRecord device;
  device.id = row.id<DeviceId>(0);
  device.agent = row.bytes(1);
  device.last_seen_ms = row.time(2);
  device.revoked_ms = row.time(3);
  device.spared_ms = row.time(4);
  device.tokens = decode_tokens(row.bytes(5));
  device.tokens_dropped_ms = row.time(6);
  return device;
}

Result<std::vector<DeviceRecord>> load_devices(Database& db, const UserId& user) {
  std::vector<DeviceRecord> found;
  Query rows = db.query(
      "SELECT id,agent,last_seen,revoked,spared,tokens,dropped FROM device"
      " WHERE user=?1 ORDER BY id");
  rows.bind(user);
  while (rows.next()) found.push_back(device_of(rows));
  if (auto status = rows.status(); !status) return status.error();
  return found;
}

Result<std::string> load_hash(Database& db, const UserId& user) {
  Query row = db.query("SELECT hash FROM user WHERE id=?1 AND removed=0");
  if (row.bind(user).next()) return row.bytes(0);
  if (auto status = row.status(); !status) return status.error();
  return no_such_user();
}

Status change_password(Database& db, const UserId& id, const PasswordChange& change) {
  const auto stored = load_hash(db, id);
  if (!stored) return stored.error();
  if (Status allowed = check_password_change(change, *stored); !allowed) return allowed;
  return db.query("UPDATE user SET hash=?2 WHERE id=?1").bind(id, change.hash).run();
}

Status revoke_devices(Database& db, const UserRecord& user, const Revocation& revocation) {
  auto devices = load_devices(db, user.id);
  if (!devices) return devices.error();
  for (DeviceRecord& device : *devices) {
    revoke_device(device, user, revocation);
    if (Status written = replace_device(db, user.id, device); !written) return written;
  }
  return {};
}

Result<UserRecord> update_user(Database& db, const UserId& id, const UserChange& change) {
  Savepoint part(db);
  if (!part.begun()) return part.begun().error();
  auto user = load_user(db, id);
  if (!user) return user.error();
  if (!*user) return no_such_user();
  if (auto status = change_user(**user, change); !status) return status.error();
  if (auto status = write_user(db, **user, change); !status) return status.error();
  if (change.password) {
    const Status written = change_password(db, id, *change.password);
    if (!written) return written.error();
  }
  if (change.revoke) {
    const Status written = revoke_devices(db, **user, *change.revoke);
    if (!written) return written.error();
  }
  if (auto status = part.commit(); !status) return status.error();
  return std::move(**user);
}

Status insert_user(Database& db, const UserId& id, const NewUser& user) {
  const PrivacySettings privacy;
  return db
      .query(
          "INSERT INTO user(id,handle,display_name,hash,online,last_seen_audience,receipts,"
          "last_seen,tokens_from) VALUES(?1,?2,?3,?4,?5,?6,?7,0,0)")
      .bind(id, user.handle, user.display_name, user.password_hash,
            static_cast<std::uint32_t>(privacy.online),
            static_cast<std::uint32_t>(privacy.last_seen), privacy.receipts)
      .run();
}

Status create_user(Database& db, const NewUser& user) {
  Savepoint part(db);
  if (!part.begun()) return part.begun();
  const UserId id = UserId::of(user.handle);
  {
    Query taken = db.query("SELECT 1 FROM user WHERE id=?1");
    if (taken.bind(id).next()) return handle_taken();
    if (auto status = taken.status(); !status) return status;
  }
  if (auto status = insert_user(db, id, user); !status) return status;
  return part.commit();
}

Status write_device(Database& db, const UserId& user, const DeviceRecord& reported) {
  Savepoint part(db);
  if (!part.begun()) return part.begun();
  {
    Query known = db.query("SELECT 1 FROM user WHERE id=?1 AND removed=0");
    if (!known.bind(user).next()) {
      if (auto status = known.status(); !status) return status;
      return no_such_user();
    }
  }
  DeviceRecord device;
  device.id = reported.id;
  {
    Query row = db.query(
        "SELECT id,agent,last_seen,revoked,spared,tokens,dropped FROM device"
        " WHERE user=?1 AND id=?2");
    if (row.bind(user, reported.id).next()) device = device_of(row);
    if (auto status = row.status(); !status) return status;
  }
  merge_device(device, reported);
  if (auto status = replace_device(db, user, device); !status) return status;
  return part.commit();
}

Status drop_devices(Database& db, const UserId& user, const std::vector<DeviceId>& devices) {
  Savepoint part(db);
  if (!part.begun()) return part.begun();
  for (const DeviceId& device : devices) {
    const Status dropped =
        db.query("DELETE FROM device WHERE user=?1 AND id=?2").bind(user, device).run();
    if (!dropped) return dropped;
  }
  return part.commit();
}

Result<std::vector<UserRecord>> load_profiles(Database& db, const std::vector<UserId>& ids) {
  std::vector<UserRecord> found;
  for (const UserId& id : ids) {
    Query row = db.query("SELECT handle,display_name,removed FROM user WHERE id=?1");
    if (row.bind(id).next()) {
      UserRecord profile;
      profile.id = id;
      profile.handle = row.bytes(0);
      profile.display_name = row.bytes(1);
      profile.deleted = row.number(2) != kActive;
      found.push_back(std::move(profile));
    }
    if (auto status = row.status(); !status) return status.error();
  }
  return found;
}

Result<std::vector<Consent>> load_consents(Database& db, const std::vector<UserId>& ids,
                                           const UserId& asker) {
  std::vector<Consent> found;
  for (const UserId& id : ids) {
    {
      Query row = db.query(
          "SELECT online,last_seen_audience,receipts,group_adds,first_messages FROM user"
          " WHERE id=?1 AND removed=0");
      const bool there = row.bind(id).next();
      if (auto status = row.status(); !status) return status.error();
      if (!there) continue;
      found.push_back({id, privacy_of(row, 0)});
    }
    Query rows = db.query("SELECT kind FROM relation WHERE user=?1 AND kind IN (1,2) AND other=?2");
    rows.bind(id, asker);
    while (rows.next())
      (rows.number(0) == kContact ? found.back().contact : found.back().blocked) = true;
    if (auto status = rows.status(); !status) return status.error();
  }
  return found;
}

// user.removed; nothing if there is no such row.
Result<std::optional<std::uint64_t>> removed_as(Database& db, const UserId& id) {
  Query row = db.query("SELECT removed FROM user WHERE id=?1");
  if (row.bind(id).next()) return std::optional(row.number(0));
  if (auto status = row.status(); !status) return status.error();
  return std::optional<std::uint64_t>();
}

Result<SignInRecord> admit_user(Database& db, const NewUser& user, const DeviceRecord& device) {
  const UserId id = UserId::of(user.handle);
  Savepoint part(db);
  if (!part.begun()) return part.begun().error();
  auto known = load_user(db, id);
  if (!known) return known.error();
  if (*known) {
    auto devices = load_devices(db, id);
    if (!devices) return devices.error();
    return SignInRecord{std::move(**known), std::move(*devices)};
  }
  const auto removed = removed_as(db, id);
  if (!removed) return removed.error();
  if (*removed) return user_removed();
  if (auto status = insert_user(db, id, user); !status) return status.error();
  if (auto status = replace_device(db, id, device); !status) return status.error();
  if (auto status = part.commit(); !status) return status.error();
  return SignInRecord{new_user(user), {device}};
}

Status remove_user(Database& db, const UserId& id) {
  Savepoint part(db);
  if (!part.begun()) return part.begun();
  const auto removed = removed_as(db, id);
  if (!removed) return removed.error();
  if (!*removed) return no_such_user();
  if (**removed != kActive) return {};
  const std::string nothing;
  const PrivacySettings privacy;
  Status status =
      db.query(
            "UPDATE user SET handle=?2,display_name=?2,hash=?2,online=?3,last_seen_audience=?4,"
            "receipts=?5,last_seen=0,tokens_from=0,removed=?6 WHERE id=?1")
          .bind(id, nothing, static_cast<std::uint32_t>(privacy.online),
                static_cast<std::uint32_t>(privacy.last_seen), privacy.receipts, kLeaving)
          .run();
  if (!status) return status;
  status = db.query("DELETE FROM relation WHERE user=?1").bind(id).run();
  if (!status) return status;
  status = db.query("DELETE FROM device WHERE user=?1").bind(id).run();
  if (!status) return status;
  return part.commit();
}

Result<std::vector<UserId>> load_leaving(Database& db, std::size_t limit) {
  std::vector<UserId> found;
  Query rows = db.query("SELECT id FROM user WHERE removed=1 ORDER BY id LIMIT ?1");
  rows.bind(std::uint64_t{limit});
  while (rows.next()) found.push_back(rows.id<UserId>(0));
  if (auto status = rows.status(); !status) return status.error();
  return found;
}

}  // namespace

Result<std::unique_ptr<DirectorySqlite>> DirectorySqlite::open(const std::string& path,
                                                               Executor& executor,
                                                               std::uint64_t pages_max) {
  auto db = Database::open({.path = path,
                            .schema_version = kSchemaVersion,
                            .schema = kSchema,
                            .pages_max = pages_max,
                            .pragmas = "PRAGMA secure_delete=FAST;",  // of those who were removed
                            .upgrades = {kToVersion2, kToVersion3}});
  if (!db) return db.error();
  return std::unique_ptr<DirectorySqlite>(new DirectorySqlite(std::move(*db), executor));
}

DirectorySqlite::DirectorySqlite(std::unique_ptr<Database> db, Executor& executor)
    : db_(std::move(db)), executor_(executor) {}

DirectorySqlite::~DirectorySqlite() {
  *alive_ = false;
  worker_.stop();
}

template <class T, class Work>
void DirectorySqlite::answer(Done<T> done, Work work) {
  const std::lock_guard lock(mutex_);
  asked_.push_back([done = std::move(done), work = std::move(work)](Database& db) -> Answer {
    return [done, result = work(db)]() mutable { done(std::move(result)); };
  });
  if (asked_.size() == 1) worker_.run([this] { work_off(); });
}

std::vector<DirectorySqlite::Asked> DirectorySqlite::take() {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(asked_.size(), kGroupMax));
  std::vector<Asked> taken(std::make_move_iterator(asked_.begin()),
                           std::make_move_iterator(asked_.begin() + count));
  asked_.erase(asked_.begin(), asked_.begin() + count);
  if (!asked_.empty()) worker_.run([this] { work_off(); });
  return taken;
}

// One sync for all: nothing, if any of it went wrong for more than itself.
std::vector<DirectorySqlite::Answer> DirectorySqlite::work_together(
    const std::vector<Asked>& asked) {
  std::vector<Answer> answers;
  Transaction all(*db_);
  if (!all.begun()) return {};
  for (const Asked& one : asked) {
    answers.push_back(one(*db_));
    if (!db_->in_transaction()) return {};
  }
  if (!all.commit()) return {};
  return answers;
}

// Worker thread.
void DirectorySqlite::work_off() {
  const std::vector<Asked> asked = take();
  std::vector<Answer> answers;
  if (asked.size() > 1) answers = work_together(asked);
  if (answers.empty()) {
    for (const Asked& one : asked) answers.push_back(one(*db_));
  }
  executor_.post([alive = alive_, answers = std::move(answers)] {
    for (const Answer& answer : answers) {
      if (*alive) answer();
    }
  });
}

void DirectorySqlite::create(const NewUser& user, Done<void> done) {
  answer<void>(std::move(done), [user](Database& db) { return create_user(db, user); });
}

void DirectorySqlite::admit(const NewUser& user, const DeviceRecord& device,
                            Done<SignInRecord> done) {
  answer<SignInRecord>(std::move(done),
                       [user, device](Database& db) { return admit_user(db, user, device); });
}

void DirectorySqlite::load(const UserId& id, Done<std::optional<UserRecord>> done) {
  answer<std::optional<UserRecord>>(std::move(done),
                                    [id](Database& db) { return load_user(db, id); });
}

void DirectorySqlite::update(const UserId& id, const UserChange& change, Done<UserRecord> done) {
  answer<UserRecord>(std::move(done),
                     [id, change](Database& db) { return update_user(db, id, change); });
}

void DirectorySqlite::profiles(const std::vector<UserId>& ids, Done<std::vector<UserRecord>> done) {
  answer<std::vector<UserRecord>>(std::move(done),
                                  [ids](Database& db) { return load_profiles(db, ids); });
}

void DirectorySqlite::consents(const std::vector<UserId>& ids, const UserId& asker,
                               Done<std::vector<Consent>> done) {
  answer<std::vector<Consent>>(
      std::move(done), [ids, asker](Database& db) { return load_consents(db, ids, asker); });
}

void DirectorySqlite::password_hash(const UserId& id, Done<std::string> done) {
  answer<std::string>(std::move(done), [id](Database& db) { return load_hash(db, id); });
}

void DirectorySqlite::devices(const UserId& id, Done<std::vector<DeviceRecord>> done) {
  answer<std::vector<DeviceRecord>>(std::move(done),
                                    [id](Database& db) { return load_devices(db, id); });
}

void DirectorySqlite::put_device(const UserId& id, const DeviceRecord& device, Done<void> done) {
  answer<void>(std::move(done),
               [id, device](Database& db) { return write_device(db, id, device); });
}

void DirectorySqlite::forget_devices(const UserId& id, const std::vector<DeviceId>& devices,
                                     Done<void> done) {
  answer<void>(std::move(done),
               [id, devices](Database& db) { return drop_devices(db, id, devices); });
}

void DirectorySqlite::remove(const UserId& id, Done<void> done) {
  answer<void>(std::move(done), [id](Database& db) { return remove_user(db, id); });
}

void DirectorySqlite::leaving(std::size_t limit, Done<std::vector<UserId>> done) {
  answer<std::vector<UserId>>(std::move(done),
                              [limit](Database& db) { return load_leaving(db, limit); });
}

void DirectorySqlite::left(const UserId& id, Done<void> done) {
  answer<void>(std::move(done), [id](Database& db) {
    return db.query("UPDATE user SET removed=?2 WHERE id=?1 AND removed=?3")
        .bind(id, kLeft, kLeaving)
        .run();
  });
}

}  // namespace kith::server
