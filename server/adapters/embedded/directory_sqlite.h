// The directory in one SQLite file (users.db), on a thread of its own: every change is synced
// before it is answered.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kith/core/executor.h"
#include "kith/server/ports/directory.h"
#include "server/adapters/embedded/worker.h"

namespace kith {
class Database;
}  // namespace kith

namespace kith::server {

class DirectorySqlite : public Directory {
 public:
  // Opens or creates `path`. `executor` runs the callbacks and outlives the directory. `pages_max`
  // limits the file's size
  // (4 KiB pages); 0 = the disk. Fails with kCacheTooNew, kCacheCorrupt, kDiskFull, kIo.
  static Result<std::unique_ptr<DirectorySqlite>> open(const std::string& path, Executor& executor,
                                                       std::uint64_t pages_max = 0);
  // Finishes what was asked for and joins; no callback comes afterwards.
  ~DirectorySqlite() override;

  void create(const NewUser& user, Done<void> done) override;
  void admit(const NewUser& user, const DeviceRecord& device, Done<SignInRecord> done) override;
  void load(const UserId& id, Done<std::optional<UserRecord>> done) override;
  void update(const UserId& id, const UserChange& change, Done<UserRecord> done) override;
  void profiles(const std::vector<UserId>& ids, Done<std::vector<UserRecord>> done) override;
  void consents(const std::vector<UserId>& ids, const UserId& asker,
                Done<std::vector<Consent>> done) override;
  void password_hash(const UserId& id, Done<std::string> done) override;
  void devices(const UserId& id, Done<std::vector<DeviceRecord>> done) override;
  void put_device(const UserId& id, const DeviceRecord& device, Done<void> done) override;
  void forget_devices(const UserId& id, const std::vector<DeviceId>& devices,
                      Done<void> done) override;
  void remove(const UserId& id, Done<void> done) override;
  void leaving(std::size_t limit, Done<std::vector<UserId>> done) override;
  void left(const UserId& id, Done<void> done) override;

 private:
  DirectorySqlite(std::unique_ptr<Database> db, Executor& executor);
  using Answer = std::function<void()>;
  using Asked = std::function<Answer(Database&)>;
  template <class T, class Work>
  void answer(Done<T> done, Work work);
  std::vector<Asked> take();
  std::vector<Answer> work_together(const std::vector<Asked>& asked);
  void work_off();

  const std::unique_ptr<Database> db_;  // worker thread
  Executor& executor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // thread of the executor
  std::mutex mutex_;
  std::vector<Asked> asked_;  // guarded by mutex_; in order
  Worker worker_{"kith-users"};
};

}  // namespace kith::server
