// Accounts in a data directory that no server has open.
#include "server/offline_accounts.h"

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "server/adapters/embedded/directory_lock.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/engine_list.h"
#include "server/auth/password_hasher_openssl.h"
#include "src/loop/loop_uv.h"
#include "src/utf8.h"

namespace kith::server {
namespace {

// The directory of people on a loop of its own, for one question after the other.
class OfflineDirectory {
 public:
  static Result<std::unique_ptr<OfflineDirectory>> open(const std::string& data_dir) {
    const std::string file = data_dir + "/users.db";
    std::error_code error;
    const bool there = std::filesystem::exists(file, error);
    if (error) return make_error(ErrorCode::kIo, data_dir + ": " + error.message());
    if (!there) return make_error(ErrorCode::kIo, data_dir + ": no server has kept its data there");
    auto lock = DirectoryLock::take(data_dir);
    if (!lock) return lock.error();
    if (Status embedded = check_engines(data_dir, ""); !embedded) return embedded.error();
    std::unique_ptr<OfflineDirectory> opened(new OfflineDirectory(std::move(*lock)));
    auto directory = DirectorySqlite::open(file, opened->loop_);
    if (!directory) return directory.error();
    opened->directory_ = std::move(*directory);
    return opened;
  }
  ~OfflineDirectory() {
    loop_.run_sync([this] { directory_.reset(); });
    loop_.stop();
  }

  template <class T>
  Result<T> ask(const std::function<void(Directory&, Done<T>)>& call) {
    std::promise<Result<T>> answer;
    loop_.run_sync([&] {
      call(*directory_, [&answer](Result<T> result) { answer.set_value(std::move(result)); });
    });
    return answer.get_future().get();
  }
  Executor& executor() { return loop_; }
  std::int64_t now_ms() { return loop_.clock().wall().ms; }

 private:
  explicit OfflineDirectory(std::unique_ptr<DirectoryLock> lock) : lock_(std::move(lock)) {
    loop_.start();
  }

  std::unique_ptr<DirectoryLock> lock_;  // given back last
  LoopUv loop_;
  std::unique_ptr<DirectorySqlite> directory_;
};

Result<std::string> hashed(OfflineDirectory& people, const std::string& password,
                           std::uint32_t cost) {
  const auto hasher = make_scrypt_hasher(people.executor(), {cost, 1});
  std::promise<Result<std::string>> answer;
  hasher->hash({}, password,
               [&answer](Result<std::string> hash) { answer.set_value(std::move(hash)); });
  return answer.get_future().get();
}

}  // namespace

Status check_new_password(std::string_view password) {
  if (password.size() < limits::password_bytes_min || !is_utf8(password)) {
    return make_error(ErrorCode::kInvalidArgument, "a password has 8 bytes or more, and is UTF-8");
  }
  if (password.size() > limits::password_bytes_max) {
    return make_error(ErrorCode::kTooLarge, "a password has 256 bytes or less");
  }
  return {};
}

Status set_password_offline(const std::string& data_dir, const UserId& user,
                            const std::string& password, std::uint32_t cost) {
  if (Status fits = check_new_password(password); !fits) return fits;
  const auto people = OfflineDirectory::open(data_dir);
  if (!people) return people.error();
  const auto stored = (*people)->ask<std::string>(
      [&](Directory& d, Done<std::string> done) { d.password_hash(user, std::move(done)); });
  if (!stored) return stored.error();
  if (stored->empty()) {
    return make_error(ErrorCode::kPermissionDenied,
                      "the account has no password: it signs in with tokens of its host");
  }
  const auto hash = hashed(**people, password, cost);
  if (!hash) return hash.error();
  UserChange change;
  change.password = PasswordChange{*hash, std::nullopt};
  change.revoke = Revocation{(*people)->now_ms(), std::nullopt, std::nullopt};
  const auto changed = (*people)->ask<UserRecord>(
      [&](Directory& d, Done<UserRecord> done) { d.update(user, change, std::move(done)); });
  return changed ? Status() : Status(changed.error());
}

Status delete_account_offline(const std::string& data_dir, const UserId& user) {
  const auto people = OfflineDirectory::open(data_dir);
  if (!people) return people.error();
  return (*people)->ask<void>(
      [&](Directory& d, Done<void> done) { d.remove(user, std::move(done)); });
}

}  // namespace kith::server
