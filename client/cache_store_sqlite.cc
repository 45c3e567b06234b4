// CacheStore on SQLite: WAL files, one lock per directory, prepared statements.
#include "client/cache_store_sqlite.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "client/cache_files_sqlite.h"
#include "client/search_index_sqlite.h"
#include "client/wire_ids.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::client {
namespace {

// Holds the directory for this object; the kernel lets go of it when the process dies.
class DirectoryLock {
 public:
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Status take(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      return make_error(errno == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo,
                        path + ": " + std::strerror(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      return make_error(ErrorCode::kAlreadyOpen, path + ": another client holds this cache");
    }
    return {};
  }

 private:
  int fd_ = -1;
};

Result<DeviceId> kept_device(Database& outbox) {
  DeviceId device;
  const Status read = outbox.each("SELECT value FROM identity WHERE key='device'",
                                  [&](const Query& r) { device = r.id<DeviceId>(0); });
  if (!read) return read.error();
  return device;
}

class CacheStoreSqlite : public CacheStore {
 public:
  explicit CacheStoreSqlite(Millis patience) : patience_(patience) {}

  Status open(const std::string& directory) {
    directory_ = directory;
    if (directory.empty()) {
      if (Status s = open_cache(":memory:"); !s) return s;
      return open_outbox(":memory:");
    }
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return make_error(ErrorCode::kIo, directory + ": " + error.message());
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (Status s = lock_.take(directory + "/lock"); !s) return s;
    if (Status s = open_outbox(directory + "/outbox.db"); !s) return s;
    std::string suspect;
    if (Status s = outbox_->each("SELECT value FROM identity WHERE key='cache_corrupt'",
                                 [&](const Query& r) { suspect = r.bytes(0); });
        !s)
      return s;
    if (!suspect.empty()) return rebuild(suspect);
    Status opened = open_cache(directory + "/cache.db");
    if (!opened && opened.error().code == ErrorCode::kCacheCorrupt)
      return rebuild(opened.error().message);
    return opened;
  }

  Result<CacheContent> load() override {
    CacheContent content;
    Status read = load_cache(content);
    if (!read && read.error().code == ErrorCode::kCacheCorrupt && !directory_.empty()) {
      if (Status s = rebuild(read.error().message); !s) return s.error();
      content = {};
      read = load_cache(content);
    }
    if (!read) return read.error();
    if (Status s = load_outbox(content); !s) return s.error();
    content.recovered = recovered_;
    return content;
  }

  // Two files cannot be committed at once, so one decides: the outbox if something is promised, else
  // the cache. Rows that the other could not take are kept and written before the next change. If
  // the process ends first, nothing is wrong: load() leaves out rows whose event is known, and the
  // engine makes the conversation of a row again.
  Status commit(const CacheChange& change) override {
    if (Status s = pay_debt(); !s) return s;
    if (!change.touches_cache() || !change.touches_outbox()) return commit_each(change);
    const bool promise =
        !change.outbox_put.empty() || !change.read_marks_put.empty() || change.device;
    CacheChange first = promise ? outbox_part(change) : cache_part(change);
    CacheChange second = promise ? cache_part(change) : outbox_part(change);
    if (Status s = commit_each(first); !s) return s;
    if (!commit_each(second)) owed_ = std::move(second);
    return {};
  }

  Result<std::vector<StoredEvent>> events(const ConversationId& conversation, std::uint64_t from,
                                          std::uint64_t before, std::size_t limit) override {
    Query row = cache_->query(
        "SELECT seq, message, ordinal, bytes FROM event WHERE conversation=?1 AND seq>=?2 AND"
        " seq<?3 ORDER BY seq DESC LIMIT ?4");
    row.blob(conversation.view())
        .integer(from)
        .integer(std::min<std::uint64_t>(before, INT64_MAX))
        .integer(limit);
    std::vector<StoredEvent> found;
    while (row.next()) found.push_back(event_of(conversation, row));
    if (Status read = row.status(); !read) return noted(read).error();
    std::reverse(found.begin(), found.end());
    return found;
  }

  std::optional<StoredEvent> find_message(const ConversationId& conversation,
                                          const MessageId& id) override {
    Query row = cache_->query(
        "SELECT seq, message, ordinal, bytes FROM event WHERE conversation=?1 AND message=?2"
        " ORDER BY seq LIMIT 1");
    row.blob(conversation.view()).blob(id.view());
    if (row.next()) return event_of(conversation, row);
    if (Status read = row.status(); !read) (void)noted(read);
    return std::nullopt;
  }

  Result<std::vector<FoundEvent>> search(const SearchRequest& request) override {
    auto found = index_->find(request);
    if (!found) return noted(found.error()).error();
    return found;
  }
  Result<bool> index_more(std::size_t events) override {
    auto more = index_->index_more(events);
    if (!more) return noted(more.error()).error();
    return more;
  }

 private:
  Status open_cache(const std::string& path) {
    auto opened = Database::open(cache_options(path, patience_));
    if (!opened) return opened.error();
    cache_ = std::move(*opened);
    index_.emplace(*cache_);
    return {};
  }
  Status open_outbox(const std::string& path) {
    auto opened = Database::open(outbox_options(path, patience_));
    if (!opened) return opened.error();
    outbox_ = std::move(*opened);
    return {};
  }
  static CacheChange cache_part(const CacheChange& change) {
    CacheChange part = change;
    part.outbox_put.clear();
    part.outbox_remove.clear();
    part.read_marks_put.clear();
    part.read_marks_remove.clear();
    part.device.reset();
    part.run.reset();
    return part;
  }
  static CacheChange outbox_part(const CacheChange& change) {
    CacheChange part;
    part.outbox_put = change.outbox_put;
    part.outbox_remove = change.outbox_remove;
    part.read_marks_put = change.read_marks_put;
    part.read_marks_remove = change.read_marks_remove;
    part.device = change.device;
    part.run = change.run;
    return part;
  }
  Status pay_debt() {
    if (!owed_) return {};
    if (Status s = commit_each(*owed_); !s) return s;
    owed_.reset();
    return {};
  }
  Status commit_each(const CacheChange& change) {
    if (change.touches_cache()) {
      if (Status s = cache_->transaction([&] { write_cache(change); }); !s) return noted(s);
    }
    if (change.touches_outbox()) return outbox_->transaction([&] { write_outbox(change); });
    return {};
  }

  // Damage that shows only when a page is used: the next open() starts the cache anew.
  Status noted(Status status) {
    if (status.error().code != ErrorCode::kCacheCorrupt || suspect_ || directory_.empty())
      return status;
    suspect_ = outbox_
                   ->transaction([&] {
                     Query row = outbox_->query(
                         "INSERT OR REPLACE INTO identity VALUES('cache_corrupt', ?)");
                     outbox_->run(row.blob(status.error().message));
                   })
                   .ok();
    return status;
  }

  static StoredEvent event_of(const ConversationId& conversation, const Query& row) {
    return {conversation, row.get<std::uint64_t>(0), row.id<MessageId>(1),
            row.get<std::uint64_t>(2), row.bytes(3)};
  }

  Status rebuild(const std::string& why) {
    index_.reset();
    cache_.reset();
    const std::string path = directory_ + "/cache.db";
    std::error_code error;
    std::filesystem::rename(path, path + ".corrupt", error);
    if (error && error != std::errc::no_such_file_or_directory)
      return make_error(ErrorCode::kIo, path + ": " + error.message());
    std::filesystem::remove(path + "-wal", error);
    std::filesystem::remove(path + "-shm", error);
    recovered_ = why + "; set aside as cache.db.corrupt";
    if (Status s = open_cache(path); !s) return s;
    suspect_ = false;
    return outbox_->execute("DELETE FROM identity WHERE key='cache_corrupt'");
  }

  Status load_cache(CacheContent& content) {
    Status s = cache_->each("SELECT * FROM conversation", [&](const Query& r) {
      ConversationRecord c;
      c.id = r.id<ConversationId>(0);
      c.type = r.get<ConversationType>(1);
      c.title = r.bytes(2);
      c.peer = r.id<UserId>(3);
      c.role = r.get<MemberRole>(4);
      c.entry_ver = r.get<std::uint64_t>(5);
      c.last_seq = r.get<std::uint64_t>(6);
      c.last_ordinal = r.get<std::uint64_t>(7);
      c.last_ts_ms = r.get<std::int64_t>(8);
      c.floor_seq = r.get<std::uint64_t>(9);
      c.read_seq = r.get<std::uint64_t>(10);
      c.read_ordinal = r.get<std::uint64_t>(11);
      c.delivered_seq = r.get<std::uint64_t>(12);
      c.marks = {Seq(r.get<std::uint64_t>(13)), Seq(r.get<std::uint64_t>(14)),
                 Seq(r.get<std::uint64_t>(15))};
      c.member_count = r.get<std::uint32_t>(16);
      c.large = r.get<int>(17) != 0;
      content.conversations[c.id] = std::move(c);
    });
    if (!s) return s;
    s = cache_->each("SELECT conversation, first, last FROM range", [&](const Query& r) {
      content.ranges[r.id<ConversationId>(0)].add(r.get<std::uint64_t>(1), r.get<std::uint64_t>(2));
    });
    if (!s) return s;
    s = cache_->each("SELECT user, handle, display_name FROM profile", [&](const Query& r) {
      content.profiles.push_back({r.id<UserId>(0), r.bytes(1), r.bytes(2)});
    });
    if (!s) return s;
    s = cache_->each("SELECT key, value FROM kv",
                     [&](const Query& r) { content.kv[r.bytes(0)] = r.bytes(1); });
    if (!s) return s;
    if (const auto it = content.kv.find("cursor"); it != content.kv.end()) {
      content.cursor = std::strtoull(it->second.c_str(), nullptr, 10);
    }
    const auto behind = index_->behind();
    if (!behind) return behind.error();
    content.index_behind = *behind;
    return {};
  }

  Status load_outbox(CacheContent& content) {
    Status s = outbox_->each(
        "SELECT local_order, id, conversation, kind, peer, payload, created_ms, failed, server_ms,"
        " refused FROM outbox ORDER BY local_order",
        [&](const Query& r) {
          OutboxRow row;
          row.order = r.get<std::int64_t>(0);
          row.id = r.id<MessageId>(1);
          row.conversation = r.id<ConversationId>(2);
          row.kind = r.get<OutboxKind>(3);
          row.peer = r.id<UserId>(4);
          row.payload = r.bytes(5);
          row.created_ms = r.get<std::int64_t>(6);
          if (r.get<int>(7) != 0) row.failed = r.get<ErrorCode>(7);
          row.server_ms = r.get<std::int64_t>(8);
          row.refused = users_of(r.bytes(9));
          row.attempt = 1;  // whether it left before the restart is not known
          content.outbox.push_back(std::move(row));
        });
    if (!s) return s;
    std::erase_if(content.outbox, [&](const OutboxRow& row) {
      return find_message(row.conversation, row.id).has_value();
    });
    s = outbox_->each("SELECT conversation, seq FROM read_mark", [&](const Query& r) {
      content.read_marks[r.id<ConversationId>(0)] = r.get<std::uint64_t>(1);
    });
    if (!s) return s;
    const auto device = kept_device(*outbox_);
    if (!device) return device.error();
    content.device = *device;
    return outbox_->each("SELECT value FROM identity WHERE key='run'",
                         [&](const Query& r) { content.run = r.bytes(0); });
  }

  void put_conversation(const ConversationRecord& c) {
    Query row = cache_->query(
        "INSERT OR REPLACE INTO conversation VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    row.blob(c.id.view())
        .integer(c.type)
        .text(c.title)
        .blob(c.peer.view())
        .integer(c.role)
        .integer(c.entry_ver);
    row.integer(c.last_seq)
        .integer(c.last_ordinal)
        .integer(c.last_ts_ms)
        .integer(c.floor_seq)
        .integer(c.read_seq);
    row.integer(c.read_ordinal).integer(c.delivered_seq).integer(c.marks.delivered_all.value);
    row.integer(c.marks.read_all.value)
        .integer(c.marks.read_any.value)
        .integer(c.member_count)
        .integer(c.large ? 1 : 0);
    cache_->run(row);
  }

  void put_kv(std::string_view key, std::string_view value) {
    Query row = cache_->query("INSERT OR REPLACE INTO kv VALUES(?,?)");
    cache_->run(row.text(key).blob(value));
  }

  void write_cache(const CacheChange& change) {
    if (change.forget_history) {
      for (const char* sql :
           {"DELETE FROM event", "DELETE FROM range", "DELETE FROM conversation"}) {
        Query row = cache_->query(sql);
        cache_->run(row);
      }
      index_->clear();
    }
    for (const StoredEvent& e : change.events) {
      Query row = cache_->query("INSERT OR IGNORE INTO event VALUES(?,?,?,?,?)");
      row.blob(e.conversation.view())
          .integer(e.seq)
          .blob(e.message.view())
          .integer(e.ordinal)
          .blob(e.bytes);
      if (cache_->run(row) == Database::Step::kDone && cache_->changes() == 1) index_->add(e);
    }
    for (const auto& [id, ranges] : change.ranges) {
      Query clear = cache_->query("DELETE FROM range WHERE conversation=?");
      cache_->run(clear.blob(id.view()));
      for (const auto& [first, last] : ranges.list()) {
        Query row = cache_->query("INSERT INTO range VALUES(?,?,?)");
        cache_->run(row.blob(id.view()).integer(first).integer(last));
      }
    }
    for (const ConversationRecord& c : change.conversations) put_conversation(c);
    for (const Profile& p : change.profiles) {
      Query row = cache_->query("INSERT OR REPLACE INTO profile VALUES(?,?,?)");
      cache_->run(row.blob(p.user.view()).text(p.handle).text(p.display_name));
    }
    for (const auto& [key, value] : change.kv) put_kv(key, value);
    if (change.cursor) put_kv("cursor", std::to_string(*change.cursor));
  }

  void write_outbox(const CacheChange& change) {
    for (const OutboxRow& r : change.outbox_put) {
      Query row = outbox_->query("INSERT OR REPLACE INTO outbox VALUES(?,?,?,?,?,?,?,?,?,?)");
      row.integer(r.order)
          .blob(r.id.view())
          .blob(r.conversation.view())
          .integer(r.kind)
          .blob(r.peer.view());
      row.blob(r.payload)
          .integer(r.created_ms)
          .integer(r.failed ? static_cast<int>(*r.failed) : 0)
          .integer(r.server_ms)
          .blob(bytes_of(r.refused));
      outbox_->run(row);
    }
    for (const MessageId& id : change.outbox_remove) {
      Query row = outbox_->query("DELETE FROM outbox WHERE id=?");
      outbox_->run(row.blob(id.view()));
    }
    for (const auto& [id, seq] : change.read_marks_put) {
      Query row = outbox_->query("INSERT OR REPLACE INTO read_mark VALUES(?,?)");
      outbox_->run(row.blob(id.view()).integer(seq));
    }
    for (const ConversationId& id : change.read_marks_remove) {
      Query row = outbox_->query("DELETE FROM read_mark WHERE conversation=?");
      outbox_->run(row.blob(id.view()));
    }
    if (change.device) {
      Query row = outbox_->query("INSERT OR REPLACE INTO identity VALUES('device', ?)");
      outbox_->run(row.blob(change.device->view()));
    }
    if (change.run) {
      Query row = outbox_->query("INSERT OR REPLACE INTO identity VALUES('run', ?)");
      outbox_->run(row.blob(*change.run));
    }
  }

  std::string directory_;
  std::string recovered_;
  std::optional<CacheChange> owed_;  // half of a change, for one of the files
  bool suspect_ = false;             // cache.db is known to be damaged, and outbox.db says so
  DirectoryLock lock_;               // before the databases: let go last
  const Millis patience_;
  std::unique_ptr<Database> outbox_;
  std::unique_ptr<Database> cache_;
  std::optional<SearchIndex> index_;
};

}  // namespace

Result<DeviceId> cache_device_sqlite(const std::string& directory, Random& random) {
  auto store = open_cache_store_sqlite(directory);
  if (!store && store.error().code == ErrorCode::kAlreadyOpen) {
    // A client has it open, so the device is there already: reading disturbs nobody.
    const auto outbox =
        Database::open(outbox_options(directory + "/outbox.db", Millis(limits::cache_busy_limit)));
    if (!outbox) return outbox.error();
    auto device = kept_device(**outbox);
    if (device && device->empty()) return store.error();  // that client is still being opened
    return device;
  }
  if (!store) return store.error();
  const auto content = (*store)->load();
  if (!content) return content.error();
  if (!content->device.empty()) return content->device;
  std::array<std::uint8_t, DeviceId::kSize> bytes{};
  random.fill(bytes.data(), bytes.size());
  CacheChange change;
  change.device = DeviceId(bytes);
  if (Status s = (*store)->commit(change); !s) return s.error();
  return *change.device;
}

Result<std::unique_ptr<CacheStore>> open_cache_store_sqlite(const std::string& directory,
                                                            Millis patience) {
  auto store = std::make_unique<CacheStoreSqlite>(patience);
  if (Status s = store->open(directory); !s) return s.error();
  return std::unique_ptr<CacheStore>(std::move(store));
}

}  // namespace kith::client
