// A directory in memory whose "disk" outlives it.
#include "server/adapters/embedded/directory_memory.h"

#include <algorithm>
#include <utility>

#include "kith/server/ports/user_rules.h"

namespace kith::server {

namespace {

DirectoryMemory::Account account_of(const NewUser& user) {
  DirectoryMemory::Account account;
  account.user = new_user(user);
  account.password_hash = user.password_hash;
  return account;
}

// Null: there is nobody, or nobody any more.
DirectoryMemory::Account* active(DirectoryMemory::Disk& disk, const UserId& id) {
  const auto it = disk.accounts.find(id);
  if (it == disk.accounts.end() || it->second.life != DirectoryMemory::Account::Life::kActive) {
    return nullptr;
  }
  return &it->second;
}

}  // namespace

DirectoryMemory::DirectoryMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler)
    : disk_(std::move(disk)), scheduler_(scheduler) {}

template <class T, class Work>
void DirectoryMemory::answer(Done<T> done, Work work) {
  auto task = guard_.wrap([this, done = std::move(done), work = std::move(work)] {
    const auto fault = disk_->fault ? disk_->fault() : std::nullopt;
    done(fault ? Result<T>(*fault) : Result<T>(work(*disk_)));
  });
  if (disk_->delay) {
    scheduler_.after(disk_->delay(), std::move(task));
  } else {
    scheduler_.post(std::move(task));
  }
}

void DirectoryMemory::create(const NewUser& user, Done<void> done) {
  answer<void>(std::move(done), [user](Disk& disk) -> Status {
    const UserId id = UserId::of(user.handle);
    if (disk.accounts.contains(id)) return handle_taken();
    disk.accounts.emplace(id, account_of(user));
    return {};
  });
}

void DirectoryMemory::admit(const NewUser& user, const DeviceRecord& device,
                            Done<SignInRecord> done) {
  answer<SignInRecord>(std::move(done), [user, device](Disk& disk) -> Result<SignInRecord> {
    const UserId id = UserId::of(user.handle);
    auto it = disk.accounts.find(id);
    if (it == disk.accounts.end()) {
      it = disk.accounts.emplace(id, account_of(user)).first;
      it->second.devices.emplace(device.id, device);
    }
    if (it->second.life != Account::Life::kActive) return user_removed();
    SignInRecord found{it->second.user, {}};
    for (const auto& [known, record] : it->second.devices) found.devices.push_back(record);
    return found;
  });
}

void DirectoryMemory::load(const UserId& id, Done<std::optional<UserRecord>> done) {
  answer<std::optional<UserRecord>>(std::move(done), [id](Disk& disk) {
    const Account* account = active(disk, id);
    return account == nullptr ? std::nullopt : std::optional(account->user);
  });
}

void DirectoryMemory::update(const UserId& id, const UserChange& change, Done<UserRecord> done) {
  answer<UserRecord>(std::move(done), [id, change](Disk& disk) -> Result<UserRecord> {
    Account* account = active(disk, id);
    if (account == nullptr) return no_such_user();
    UserRecord changed = account->user;
    if (auto status = change_user(changed, change); !status) return status.error();
    if (change.password) {
      const auto allowed = check_password_change(*change.password, account->password_hash);
      if (!allowed) return allowed.error();
      account->password_hash = change.password->hash;
    }
    account->user = changed;
    if (change.revoke) {
      for (auto& [device, record] : account->devices) {
        revoke_device(record, changed, *change.revoke);
      }
    }
    return changed;
  });
}

void DirectoryMemory::profiles(const std::vector<UserId>& ids, Done<std::vector<UserRecord>> done) {
  answer<std::vector<UserRecord>>(std::move(done), [ids](Disk& disk) {
    std::vector<UserRecord> found;
    for (const UserId& id : ids) {
      const auto it = disk.accounts.find(id);
      if (it == disk.accounts.end()) continue;
      UserRecord profile;
      profile.id = id;
      profile.handle = it->second.user.handle;
      profile.display_name = it->second.user.display_name;
      profile.deleted = it->second.life != Account::Life::kActive;
      found.push_back(std::move(profile));
    }
    return found;
  });
}

void DirectoryMemory::consents(const std::vector<UserId>& ids, const UserId& asker,
                               Done<std::vector<Consent>> done) {
  answer<std::vector<Consent>>(std::move(done), [ids, asker](Disk& disk) {
    std::vector<Consent> found;
    for (const UserId& id : ids) {
      const Account* account = active(disk, id);
      if (account != nullptr) found.push_back(consent_of(account->user, asker));
    }
    return found;
  });
}

void DirectoryMemory::password_hash(const UserId& id, Done<std::string> done) {
  answer<std::string>(std::move(done), [id](Disk& disk) -> Result<std::string> {
    const Account* account = active(disk, id);
    if (account == nullptr) return no_such_user();
    return account->password_hash;
  });
}

void DirectoryMemory::devices(const UserId& id, Done<std::vector<DeviceRecord>> done) {
  answer<std::vector<DeviceRecord>>(std::move(done), [id](Disk& disk) {
    std::vector<DeviceRecord> found;
    const Account* account = active(disk, id);
    if (account == nullptr) return found;
    for (const auto& [device, record] : account->devices) found.push_back(record);
    return found;
  });
}

void DirectoryMemory::put_device(const UserId& id, const DeviceRecord& device, Done<void> done) {
  answer<void>(std::move(done), [id, device](Disk& disk) -> Status {
    Account* account = active(disk, id);
    if (account == nullptr) return no_such_user();
    DeviceRecord& stored = account->devices[device.id];
    stored.id = device.id;
    merge_device(stored, device);
    return {};
  });
}

void DirectoryMemory::forget_devices(const UserId& id, const std::vector<DeviceId>& devices,
                                     Done<void> done) {
  answer<void>(std::move(done), [id, devices](Disk& disk) -> Status {
    const auto it = disk.accounts.find(id);
    if (it == disk.accounts.end()) return {};
    for (const DeviceId& device : devices) it->second.devices.erase(device);
    return {};
  });
}

void DirectoryMemory::remove(const UserId& id, Done<void> done) {
  answer<void>(std::move(done), [id](Disk& disk) -> Status {
    const auto it = disk.accounts.find(id);
    if (it == disk.accounts.end()) return no_such_user();
    if (it->second.life != Account::Life::kActive) return {};
    it->second = Account();
    it->second.user.id = id;
    it->second.life = Account::Life::kLeaving;
    return {};
  });
}

void DirectoryMemory::leaving(std::size_t limit, Done<std::vector<UserId>> done) {
  answer<std::vector<UserId>>(std::move(done), [limit](Disk& disk) {
    std::vector<UserId> found;
    for (const auto& [id, account] : disk.accounts) {
      if (found.size() < limit && account.life == Account::Life::kLeaving) found.push_back(id);
    }
    return found;
  });
}

void DirectoryMemory::left(const UserId& id, Done<void> done) {
  answer<void>(std::move(done), [id](Disk& disk) -> Status {
    const auto it = disk.accounts.find(id);
    if (it != disk.accounts.end() && it->second.life == Account::Life::kLeaving) {
      it->second.life = Account::Life::kLeft;
    }
    return {};
  });
}

}  // namespace kith::server
