// EndedRights: revocations and clocks.
#include "server/auth/ended_rights.h"

#include <algorithm>
#include <utility>

namespace kith::server {

void EndedRights::check(Admission admission, Done<Admission> done) {
  const UserId id = admission.user;
  users_.with(id, guard_.wrap([this, admission = std::move(admission),
                               done = std::move(done)](const Result<Users::Record>& user) mutable {
    if (!user) {
      done(user.error());
    } else if (!*user) {
      done(make_error(ErrorCode::kRevoked, "there is no such account any more"));
    } else {
      check_devices(std::move(admission), *user, std::move(done));
    }
  }));
}

void EndedRights::check_devices(Admission admission, Users::Record user, Done<Admission> done) {
  const UserId id = admission.user;
  devices_.with(
      id,
      guard_.wrap([this, admission = std::move(admission), user = std::move(user), before = count_,
                   done = std::move(done)](const Result<Devices::List>& list) mutable {
        if (!list) return done(list.error());
        // `user` may be outdated.
        if (before != count_) return check(std::move(admission), std::move(done));
        if (ahead(*user, **list)) {
          return set_right(
              admission.user, user, *list, [done = std::move(done)](const Result<bool>& set) {
                done(set ? make_error(ErrorCode::kTokenExpired,
                                      "the server's clock was set right: a new token is needed")
                         : set.error());
              });
        }
        const Status good = check_not_ended(admission, *user, **list, now_ms());
        good ? done(std::move(admission)) : done(good.error());
      }));
}

void EndedRights::check_token(const Admission& admission, const DeviceRecord& arriving,
                              Done<Admission> done) {
  check(admission, guard_.wrap([this, arriving,
                                done = std::move(done)](const Result<Admission>& good) mutable {
    if (!good) return done(good.error());
    devices_.with(
        good->user, guard_.wrap([this, arriving, admission = *good, done = std::move(done)](
                                    const Result<Devices::List>& list) mutable {
          if (!list) return done(list.error());
          if (token_noted(admission, **list)) return done(admission);
          devices_.put(
              admission.user, arriving,
              guard_.wrap([this, admission, done = std::move(done)](const Status& put) mutable {
                if (!put) return done(put.error());
                check(admission, std::move(done));
              }));
        }));
  }));
}

void EndedRights::last_ended_of(const UserId& user, const DeviceId& device, Done<LastEnded> done) {
  users_.with(user, guard_.wrap([this, user, device, done = std::move(done)](
                                    const Result<Users::Record>& record) mutable {
    if (!record) return done(record.error());
    if (*record == nullptr) return done(make_error(ErrorCode::kNotFound, "no such user"));
    devices_.with(user,
                  guard_.wrap([this, user, device, record = *record, before = count_,
                               done = std::move(done)](const Result<Devices::List>& list) mutable {
                    if (!list) return done(list.error());
                    // The record may be outdated.
                    if (before != count_) return last_ended_of(user, device, std::move(done));
                    done(last_ended(*record, **list, device));
                  }));
  }));
}

bool EndedRights::ahead(const UserRecord& user, const std::vector<DeviceRecord>& list) const {
  const std::int64_t now = now_ms();
  return ended_in_the_future(user, now) ||
         std::any_of(list.begin(), list.end(),
                     [&](const DeviceRecord& device) { return ended_in_the_future(device, now); });
}

void EndedRights::set_right(const UserId& user, Done<bool> done) {
  users_.with(user, guard_.wrap([this, user, done = std::move(done)](
                                    const Result<Users::Record>& record) mutable {
    if (!record) return done(record.error());
    if (*record == nullptr) return done(false);
    devices_.with(user, guard_.wrap([this, user, record = *record, done = std::move(done)](
                                        const Result<Devices::List>& list) mutable {
      if (!list) return done(list.error());
      if (!ahead(*record, **list)) return done(false);
      set_right(user, record, *list, std::move(done));
    }));
  }));
}

void EndedRights::set_right(const UserId& user, const Users::Record& record,
                            const Devices::List& list, Done<bool> done) {
  const std::int64_t now = now_ms();
  for (const DeviceRecord& device : *list) {
    if (!ended_in_the_future(device, now)) continue;
    DeviceRecord right;
    right.id = device.id;
    right.revoked_ms = now;
    devices_.put(user, right, [](const Status&) {});  // or at the next sign-in
  }
  if (!ended_in_the_future(*record, now)) return done(true);
  UserChange change;
  change.tokens_valid_from_ms = now;
  users_.update(user, change, [done = std::move(done)](const Result<Users::Record>& written) {
    written ? done(true) : done(written.error());
  });
}

}  // namespace kith::server
