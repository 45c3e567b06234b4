// Door: tokens, tickets, passwords and revocation.
#include "server/auth/door.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "kith/v1/session.pb.h"
#include "server/auth/account_tokens.h"
#include "src/frame_codec.h"
#include "src/hash.h"

namespace kith::server {
namespace {

std::string digest_of(std::string_view token) {
  const Hash16 digest = hash16(token);
  return {digest.begin(), digest.end()};
}

Error no_own_account() {
  return make_error(ErrorCode::kPermissionDenied,
                    "the account has no password here: it signs in with tokens of its host");
}
Error wrong_sign_in() {
  return make_error(ErrorCode::kUnauthenticated, "handle or password is wrong");
}
Error wrong_password() {
  return make_error(ErrorCode::kUnauthenticated, "the password is wrong");
}

}  // namespace

struct Door::State : std::enable_shared_from_this<State> {
  State(DoorOptions o, Directory& d, Users& u, Devices& v, PasswordHasher& p, Scheduler& s)
      : options(std::move(o)),
        directory(d),
        users(u),
        devices(v),
        passwords(p),
        scheduler(s),
        tokens(options.secret, options.previous_secret) {}

  [[nodiscard]] Timestamp now() const { return scheduler.clock().wall(); }

  // Brings what was ended while this server's clock was ahead down to now; true: something was. Tokens
  // that are made from here on are good.
  void set_right(const UserId& user, Done<bool> done);
  void set_right(const UserId& user, const Users::Record& record, const Devices::List& list,
                 Done<bool> done);
  // The last step of every way in: was what it rests on ended since the token was made?
  void check_ended(Admission admission, Done<Admission> done);
  [[nodiscard]] bool ahead(const UserRecord& user, const std::vector<DeviceRecord>& list) const;
  void check_devices(Admission admission, Users::Record user, Done<Admission> done);
  // The same for a token of the host, which is remembered with the device before it lets in.
  void check_token(const Admission& admission, const DeviceRecord& arriving, Done<Admission> done);
  void admit_token(const std::string& token, const DeviceRecord& device, Done<Admission> done);
  void admit_identity(const Result<Identity>& identity, DeviceRecord device,
                      const std::string& token_digest, Done<Admission> done);
  [[nodiscard]] v1::SignedIn sign(const AccountToken& token) const;
  [[nodiscard]] AccountToken new_token(const std::string& handle, const DeviceId& device,
                                       const LastEnded& after) const;
  // Loads what a token that is made for this device now is made after.
  void last_ended_of(const UserId& user, const DeviceId& device, Done<LastEnded> done);
  struct Verified {
    std::string hash;  // empty: there is nobody, or nobody with a password
    bool fits = false;
    std::uint64_t before = 0;  // `ended`, when the hash was read
  };
  // Hashing takes its time: was the password that fitted replaced meanwhile? kUnauthenticated.
  void check_current(const UserId& user, const Verified& verified, Done<void> done);
  void verify(const UserId& user, const Turn& turn, const std::string& password,
              Done<Verified> done);
  void sign_in(const v1::SignIn& request, const Verified& verified, Done<v1::SignedIn> done);
  // kPermissionDenied, kUnauthenticated; otherwise the hash that the password fits.
  void verify_own(const UserId& user, const Turn& turn, const std::string& password,
                  Done<std::string> done);
  void replace_password(const UserId& user, const UserChange& change, Done<Users::Record> done);

  DoorOptions options;
  Directory& directory;
  Users& users;
  Devices& devices;
  PasswordHasher& passwords;
  Scheduler& scheduler;
  AccountTokens tokens;
  std::string dummy_hash;                             // verified for unknown handles
  std::uint64_t ended = 0;                            // how often something was
  std::unordered_map<UserId, std::size_t> replacing;  // passwords on their way to the directory
};

void Door::State::check_ended(Admission admission, Done<Admission> done) {
  const UserId id = admission.user;
  users.with(id, [self = shared_from_this(), admission = std::move(admission),
                  done = std::move(done)](const Result<Users::Record>& user) mutable {
    if (!user) {
      done(user.error());
    } else if (!*user) {
      done(make_error(ErrorCode::kRevoked, "there is no such account any more"));
    } else {
      self->check_devices(std::move(admission), *user, std::move(done));
    }
  });
}

void Door::State::check_devices(Admission admission, Users::Record user, Done<Admission> done) {
  const UserId id = admission.user;
  devices.with(
      id, [self = shared_from_this(), admission = std::move(admission), user = std::move(user),
           before = ended, done = std::move(done)](const Result<Devices::List>& list) mutable {
        if (!list) return done(list.error());
        // `user` may be of before.
        if (before != self->ended) return self->check_ended(std::move(admission), std::move(done));
        if (self->ahead(*user, **list)) {
          return self->set_right(
              admission.user, user, *list, [done = std::move(done)](const Result<bool>& set) {
                done(set ? make_error(ErrorCode::kTokenExpired,
                                      "the server's clock was set right: a new token is needed")
                         : set.error());
              });
        }
        const Status good = check_not_ended(admission, *user, **list, self->now().ms);
        good ? done(std::move(admission)) : done(good.error());
      });
}

bool Door::State::ahead(const UserRecord& user, const std::vector<DeviceRecord>& list) const {
  const std::int64_t now_ms = now().ms;
  return ended_in_the_future(user, now_ms) ||
         std::any_of(list.begin(), list.end(), [&](const DeviceRecord& device) {
           return ended_in_the_future(device, now_ms);
         });
}

void Door::State::set_right(const UserId& user, Done<bool> done) {
  users.with(user, [self = shared_from_this(), user,
                    done = std::move(done)](const Result<Users::Record>& record) mutable {
    if (!record) return done(record.error());
    if (*record == nullptr) return done(false);
    self->devices.with(user, [self, user, record = *record,
                              done = std::move(done)](const Result<Devices::List>& list) mutable {
      if (!list) return done(list.error());
      if (!self->ahead(*record, **list)) return done(false);
      self->set_right(user, record, *list, std::move(done));
    });
  });
}

void Door::State::set_right(const UserId& user, const Users::Record& record,
                            const Devices::List& list, Done<bool> done) {
  const std::int64_t now_ms = now().ms;
  for (const DeviceRecord& device : *list) {
    if (!ended_in_the_future(device, now_ms)) continue;
    DeviceRecord right;
    right.id = device.id;
    right.revoked_ms = now_ms;
    devices.put(user, right, [](const Status&) {});  // or at the next sign-in
  }
  if (!ended_in_the_future(*record, now_ms)) return done(true);
  UserChange change;
  change.tokens_valid_from_ms = now_ms;
  users.update(user, change, [done = std::move(done)](const Result<Users::Record>& written) {
    written ? done(true) : done(written.error());
  });
}

void Door::State::check_token(const Admission& admission, const DeviceRecord& arriving,
                              Done<Admission> done) {
  check_ended(admission, [self = shared_from_this(), arriving,
                          done = std::move(done)](const Result<Admission>& good) mutable {
    if (!good) return done(good.error());
    self->devices.with(good->user, [self, arriving, admission = *good, done = std::move(done)](
                                       const Result<Devices::List>& list) mutable {
      if (!list) return done(list.error());
      if (token_noted(admission, **list)) return done(admission);
      self->devices.put(admission.user, arriving,
                        [self, admission, done = std::move(done)](const Status& put) mutable {
                          if (!put) return done(put.error());
                          self->check_ended(admission, std::move(done));
                        });
    });
  });
}

void Door::State::admit_identity(const Result<Identity>& identity, DeviceRecord device,
                                 const std::string& token_digest, Done<Admission> done) {
  if (!identity) {
    done(identity.error());
    return;
  }
  if (!check_handle(identity->handle)) {
    done(make_error(ErrorCode::kUnauthenticated, "the authenticator answered no valid handle"));
    return;
  }
  if (identity->expires_ms != 0 && identity->expires_ms <= now().ms) {
    done(make_error(ErrorCode::kTokenExpired, "the token has expired"));
    return;
  }
  const UserId user = UserId::of(identity->handle);
  const std::string token =
      identity->token_id.empty() ? token_digest : digest_of(identity->token_id);
  const Admission admission{user, device.id, identity->issued_ms, identity->expires_ms, token};
  device.tokens = {{token, identity->issued_ms, identity->expires_ms}};
  const std::string name =
      identity->display_name.empty() ? identity->handle : identity->display_name;
  users.ensure({identity->handle, name, ""}, device,
               [self = shared_from_this(), admission, device,
                done = std::move(done)](const Result<Users::Arrived>& arrived) mutable {
                 if (!arrived) {
                   done(arrived.error());
                   return;
                 }
                 if (arrived->devices) self->devices.learn(admission.user, arrived->devices);
                 self->check_token(admission, device, std::move(done));
               });
}

void Door::State::admit_token(const std::string& token, const DeviceRecord& device,
                              Done<Admission> done) {
  const auto own = tokens.read(token, now());
  if (own) {
    if (own->device != device.id) {
      done(make_error(ErrorCode::kUnauthenticated, "the token belongs to another device"));
      return;
    }
    check_ended(
        {UserId::of(own->handle), device.id, own->issued_ms, own->session_end_ms(), "", own->after},
        std::move(done));
    return;
  }
  if (own.error().code == ErrorCode::kTokenExpired || !options.authenticator) {
    done(own.error());
    return;
  }
  // The authenticator may answer from any thread.
  options.authenticator->authenticate(
      token, [weak = weak_from_this(), &loop = scheduler, device, digest = digest_of(token),
              done = std::move(done)](Result<Identity> identity) mutable {
        loop.post([weak, device, digest, done = std::move(done),
                   identity = std::move(identity)]() mutable {
          if (const auto self = weak.lock()) {
            self->admit_identity(identity, device, digest, std::move(done));
          }
        });
      });
}

AccountToken Door::State::new_token(const std::string& handle, const DeviceId& device,
                                    const LastEnded& after) const {
  const std::int64_t now_ms = now().ms;
  return {handle, device, now_ms, now_ms + options.account_token_life.count(), after};
}

void Door::State::last_ended_of(const UserId& user, const DeviceId& device, Done<LastEnded> done) {
  users.with(user, [self = shared_from_this(), user, device,
                    done = std::move(done)](const Result<Users::Record>& record) mutable {
    if (!record) return done(record.error());
    if (*record == nullptr) return done(make_error(ErrorCode::kNotFound, "no such user"));
    self->devices.with(user, [self, user, device, record = *record, before = self->ended,
                              done = std::move(done)](const Result<Devices::List>& list) mutable {
      if (!list) return done(list.error());
      // The record may be of before.
      if (before != self->ended) return self->last_ended_of(user, device, std::move(done));
      done(last_ended(*record, **list, device));
    });
  });
}

v1::SignedIn Door::State::sign(const AccountToken& token) const {
  v1::SignedIn answer;
  answer.set_user_id(UserId::of(token.handle).bytes());
  answer.set_access_token(tokens.issue(token));
  answer.set_expires_ms(static_cast<std::uint64_t>(token.expires_ms));
  return answer;
}

Door::Door(DoorOptions options, Directory& directory, Users& users, Devices& devices,
           PasswordHasher& passwords, Scheduler& scheduler)
    : state_(std::make_shared<State>(std::move(options), directory, users, devices, passwords,
                                     scheduler)) {
  if (!state_->options.register_accounts) return;
  passwords.hash({}, "a password that nobody has",
                 [weak = std::weak_ptr(state_)](Result<std::string> h) {
                   const auto state = weak.lock();
                   if (state && h) state->dummy_hash = *h;
                 });
}
Door::~Door() = default;

void Door::admit(const v1::Hello& hello, Done<Admission> done) {
  const auto device = device_id(hello.device_id());
  if (!device) {
    done(make_error(ErrorCode::kInvalidArgument, "device_id is not an id"));
    return;
  }
  if (hello.auth_case() != v1::Hello::kResumeTicket) {
    const DeviceRecord record{*device, hello.agent(), state_->now().ms, 0};
    state_->admit_token(hello.access_token(), record, std::move(done));
    return;
  }
  auto holder = state_->tokens.read_ticket(hello.resume_ticket(), state_->now());
  if (!holder) {
    done(holder.error());
    return;
  }
  if (holder->device != *device) {
    done(make_error(ErrorCode::kUnauthenticated, "the ticket belongs to another device"));
    return;
  }
  state_->check_ended(std::move(*holder), std::move(done));
}

void Door::renew(const Admission& current, const std::string& token, Done<Admission> done) {
  state_->admit_token(
      token, {current.device, "", state_->now().ms, 0},
      [user = current.user, done = std::move(done)](Result<Admission> fresh) {
        if (fresh && fresh->user != user) {
          done(make_error(ErrorCode::kUnauthenticated, "the token belongs to another user"));
          return;
        }
        done(std::move(fresh));
      });
}

void Door::register_account(const v1::Register& request, const Turn& turn,
                            Done<v1::SignedIn> done) {
  const auto device = device_id(request.device_id());
  if (!state_->options.register_accounts || !device) {
    done(make_error(ErrorCode::kPermissionDenied, "this server has no accounts of its own"));
    return;
  }
  NewUser user{request.handle(),
               request.display_name().empty() ? request.handle() : request.display_name(), ""};
  state_->passwords.hash(turn, request.password(),
                         [weak = std::weak_ptr(state_), device = *device, user,
                          done = std::move(done)](Result<std::string> hash) mutable {
                           const auto state = weak.lock();
                           if (!state) return;
                           if (!hash) {
                             done(hash.error());
                             return;
                           }
                           user.password_hash = *hash;
                           state->directory.create(
                               user, [weak, handle = user.handle, device,
                                      done = std::move(done)](const Status& created) {
                                 const auto self = weak.lock();
                                 if (!self) return;
                                 if (!created) {
                                   done(created.error());
                                   return;
                                 }
                                 done(self->sign(self->new_token(handle, device, {})));
                               });
                         });
}

void Door::sign_in(const v1::SignIn& request, const Turn& turn, Done<v1::SignedIn> done) {
  const auto device = device_id(request.device_id());
  if (!state_->options.register_accounts || !device) {
    done(make_error(ErrorCode::kPermissionDenied, "this server has no accounts of its own"));
    return;
  }
  state_->verify(UserId::of(request.handle()), turn, request.password(),
                 [weak = std::weak_ptr(state_), request,
                  done = std::move(done)](const Result<State::Verified>& verified) {
                   const auto state = weak.lock();
                   if (!state) return;
                   if (!verified) {
                     done(verified.error());
                   } else if (!verified->fits) {
                     done(wrong_sign_in());
                   } else {
                     state->set_right(
                         UserId::of(request.handle()),
                         [weak, request, verified = *verified, done](const Result<bool>& set) {
                           const auto self = weak.lock();
                           if (!self) return;
                           if (!set) return done(set.error());
                           self->sign_in(request, verified, done);
                         });
                   }
                 });
}

void Door::State::sign_in(const v1::SignIn& request, const Verified& verified,
                          Done<v1::SignedIn> done) {
  const UserId user = UserId::of(request.handle());
  const DeviceId device = *device_id(request.device_id());
  last_ended_of(
      user, device,
      [self = shared_from_this(), user, device, handle = request.handle(), verified,
       done = std::move(done)](const Result<LastEnded>& after) mutable {
        if (!after) return done(after.error());
        // Last: what is ended from here on is not among what the token is made after.
        self->check_current(
            user, verified,
            [self, device, handle, last = *after, done = std::move(done)](const Status& current) {
              if (current) {
                done(self->sign(self->new_token(handle, device, last)));
              } else if (current.error().code == ErrorCode::kUnauthenticated) {
                done(wrong_sign_in());
              } else {
                done(current.error());
              }
            });
      });
}

void Door::State::check_current(const UserId& user, const Verified& verified, Done<void> done) {
  if (replacing.contains(user)) {
    return done(make_error(ErrorCode::kUnavailable, "the password is being replaced"));
  }
  if (verified.before == ended) return done({});
  directory.password_hash(user,
                          [weak = weak_from_this(), user, hash = verified.hash, before = ended,
                           done = std::move(done)](const Result<std::string>& stored) mutable {
                            const auto state = weak.lock();
                            if (!state) return;
                            if (!stored && stored.error().code != ErrorCode::kNotFound)
                              return done(stored.error());
                            if (!stored || *stored != hash) return done(wrong_password());
                            state->check_current(user, {hash, true, before}, std::move(done));
                          });
}

Result<std::string> Door::ticket(const Admission& admission) const {
  return state_->tokens.issue_ticket(admission, state_->now());
}

// --- passwords of own accounts ---

// Takes as long for somebody who is not there, and for somebody without a password.
void Door::State::verify(const UserId& user, const Turn& turn, const std::string& password,
                         Done<Verified> done) {
  directory.password_hash(user, [weak = weak_from_this(), turn, password, before = ended,
                                 done =
                                     std::move(done)](const Result<std::string>& stored) mutable {
    const auto state = weak.lock();
    if (!state) return;
    if (!stored && stored.error().code != ErrorCode::kNotFound) {
      done(stored.error());
      return;
    }
    const std::string hash = stored ? *stored : std::string();
    state->passwords.verify(turn, std::move(password), hash.empty() ? state->dummy_hash : hash,
                            [weak, hash, before, done = std::move(done)](const Result<bool>& fits) {
                              if (weak.expired()) return;
                              if (!fits) return done(fits.error());
                              done(Verified{hash, !hash.empty() && *fits, before});
                            });
  });
}

void Door::State::verify_own(const UserId& user, const Turn& turn, const std::string& password,
                             Done<std::string> done) {
  if (!options.register_accounts) return done(no_own_account());
  verify(user, turn, password,
         [weak = weak_from_this(), user, done = std::move(done)](const Result<Verified>& verified) {
           const auto state = weak.lock();
           if (!state) return;
           if (!verified) return done(verified.error());
           if (verified->hash.empty()) return done(no_own_account());
           if (!verified->fits) return done(wrong_password());
           state->check_current(user, *verified,
                                [hash = verified->hash, done](const Status& current) {
                                  current ? done(hash) : done(current.error());
                                });
         });
}

void Door::check_password(const UserId& user, const Turn& turn, const std::string& password,
                          Done<void> done) {
  state_->verify_own(user, turn, password,
                     [done = std::move(done)](const Result<std::string>& hash) {
                       done(hash ? Status() : Status(hash.error()));
                     });
}

void Door::State::replace_password(const UserId& user, const UserChange& change,
                                   Done<Users::Record> done) {
  ++replacing[user];
  users.update(user, change,
               [weak = weak_from_this(), user,
                done = std::move(done)](const Result<Users::Record>& updated) {
                 const auto state = weak.lock();
                 if (!state) return;
                 if (--state->replacing[user] == 0) state->replacing.erase(user);
                 if (updated) {
                   state->devices.forget(user);
                   ++state->ended;
                 }
                 done(updated);
               });
}

void Door::change_password(const Admission& current, const v1::ChangePassword& request,
                           const Turn& turn, Done<Changed> done) {
  const auto replace = [weak = std::weak_ptr(state_), current, done](const std::string& old_hash,
                                                                     const std::string& hash) {
    const auto state = weak.lock();
    if (!state) return;
    UserChange change;
    change.password = PasswordChange{hash, old_hash};
    change.revoke = Revocation{state->now().ms, current.device, std::nullopt};
    state->replace_password(
        current.user, change, [weak, current, done](const Result<Users::Record>& updated) {
          const auto self = weak.lock();
          if (!self) return;
          if (!updated) return done(updated.error());
          // After this change, and after what had ended this device's tokens when its session began: a
          // revocation that came meanwhile ends the new one too.
          const LastEnded after{(*updated)->tokens_valid_from_ms, current.after.device_ms};
          const AccountToken token = self->new_token((*updated)->handle, current.device, after);
          done(Changed{
              self->sign(token),
              {current.user, current.device, token.issued_ms, token.session_end_ms(), "", after}});
        });
  };
  state_->verify_own(current.user, turn, request.old_password(),
                     [weak = std::weak_ptr(state_), turn, fresh = request.new_password(), replace,
                      done](const Result<std::string>& old_hash) {
                       const auto state = weak.lock();
                       if (!state) return;
                       if (!old_hash) return done(old_hash.error());
                       state->passwords.hash(
                           turn, fresh,
                           [replace, done, old = *old_hash](const Result<std::string>& hash) {
                             hash ? replace(old, *hash) : done(hash.error());
                           });
                     });
}

void Door::set_password(const UserId& user, const std::string& password, Done<void> done) {
  state_->directory.password_hash(user, [weak = std::weak_ptr(state_), user, password,
                                         done](const Result<std::string>& stored) {
    const auto state = weak.lock();
    if (!state) return;
    if (!stored) return done(stored.error());
    if (stored->empty()) return done(no_own_account());
    state->passwords.hash({}, password, [weak, user, done](const Result<std::string>& hash) {
      const auto self = weak.lock();
      if (!self) return;
      if (!hash) return done(hash.error());
      UserChange change;
      change.password = PasswordChange{*hash, std::nullopt};
      change.revoke = Revocation{self->now().ms, std::nullopt, std::nullopt};
      self->replace_password(user, change, [done](const Result<Users::Record>& updated) {
        done(updated ? Status() : Status(updated.error()));
      });
    });
  });
}

void Door::use_authenticator(std::shared_ptr<Authenticator> authenticator) {
  state_->options.authenticator = std::move(authenticator);
}

void Door::use_secrets(std::string_view secret, std::string_view previous) {
  state_->tokens = AccountTokens(secret, previous);
}

void Door::note_ended() {
  ++state_->ended;
}

}  // namespace kith::server
