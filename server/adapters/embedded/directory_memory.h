// A directory in memory whose "disk" outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "kith/server/ports/directory.h"
#include "src/guard.h"

namespace kith::server {

class DirectoryMemory : public Directory {
 public:
  struct Account {
    enum class Life : std::uint8_t { kActive, kLeaving, kLeft };
    UserRecord user;
    Life life = Life::kActive;
    std::string password_hash;
    std::map<DeviceId, DeviceRecord> devices;
  };
  struct Disk {
    std::map<UserId, Account> accounts;

    std::function<Millis()> delay;  // of every call; null: at the next turn of the loop
    std::function<std::optional<Error>()> fault;  // of every call; what fails changes nothing
  };

  // `scheduler` outlives the directory.
  DirectoryMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);

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
  template <class T, class Work>
  void answer(Done<T> done, Work work);

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  Guard guard_;
};

}  // namespace kith::server
