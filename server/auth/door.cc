// Door: tokens, tickets, passwords and revocation.
#include "server/auth/door.h"

#include <utility>

#include "kith/v1/session.pb.h"
#include "server/auth/account_tokens.h"
#include "src/frame_codec.h"

namespace kith::server {

struct Door::State : std::enable_shared_from_this<State> {
  State(DoorOptions o, Directory& d, Users& u, Devices& v, PasswordHasher& p, Scheduler& s)
      : options(std::move(o)),
        directory(d),
        users(u),
        devices(v),
        passwords(p),
        scheduler(s),
        tokens(options.secret) {}

  [[nodiscard]] Timestamp now() const { return scheduler.clock().wall(); }

  // The last step of every way in: was the user or the device revoked since the token was made?
  void check_revoked(Admission admission, Done<Admission> done);
  void admit_token(const std::string& token, const DeviceRecord& device, Done<Admission> done);
  void admit_identity(const Result<Identity>& identity, const DeviceRecord& device,
                      Done<Admission> done);
  void signed_in(const std::string& handle, const DeviceId& device, const Done<v1::SignedIn>& done);

  DoorOptions options;
  Directory& directory;
  Users& users;
  Devices& devices;
  PasswordHasher& passwords;
  Scheduler& scheduler;
  AccountTokens tokens;
  std::string dummy_hash;  // verified for unknown handles
};

void Door::State::check_revoked(Admission admission, Done<Admission> done) {
  users.with(admission.user, [self = shared_from_this(), admission,
                              done = std::move(done)](Result<Users::Record> user) mutable {
    if (!user) {
      done(user.error());
      return;
    }
    if (!*user) {
      done(make_error(ErrorCode::kUnauthenticated, "there is no such user"));
      return;
    }
    if (admission.issued_ms != 0 && admission.issued_ms < (*user)->tokens_valid_from_ms) {
      done(make_error(ErrorCode::kRevoked, "the user's sessions were revoked"));
      return;
    }
    self->devices.with(
        admission.user, [admission, done = std::move(done)](const Result<Devices::List>& list) {
          if (!list) {
            done(list.error());
            return;
          }
          for (const DeviceRecord& device : **list) {
            if (device.id == admission.device && device.revoked_ms != 0 &&
                admission.issued_ms != 0 && admission.issued_ms <= device.revoked_ms) {
              done(make_error(ErrorCode::kRevoked, "this device was revoked"));
              return;
            }
          }
          done(admission);
        });
  });
}

void Door::State::admit_identity(const Result<Identity>& identity, const DeviceRecord& device,
                                 Done<Admission> done) {
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
  const Admission admission{user, device.id, identity->issued_ms, identity->expires_ms};
  const std::string name =
      identity->display_name.empty() ? identity->handle : identity->display_name;
  users.ensure({identity->handle, name, ""}, device,
               [self = shared_from_this(), admission,
                done = std::move(done)](const Result<Users::Arrived>& arrived) mutable {
                 if (!arrived) {
                   done(arrived.error());
                   return;
                 }
                 if (arrived->devices) self->devices.learn(admission.user, arrived->devices);
                 self->check_revoked(admission, std::move(done));
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
    check_revoked({UserId::of(own->handle), device.id, own->issued_ms, own->expires_ms},
                  std::move(done));
    return;
  }
  if (own.error().code == ErrorCode::kTokenExpired || !options.authenticator) {
    done(own.error());
    return;
  }
  // The authenticator may answer from any thread.
  options.authenticator->authenticate(
      token, [weak = weak_from_this(), &loop = scheduler, device,
              done = std::move(done)](Result<Identity> identity) mutable {
        loop.post([weak, device, done = std::move(done), identity = std::move(identity)]() mutable {
          if (const auto self = weak.lock()) {
            self->admit_identity(identity, device, std::move(done));
          }
        });
      });
}

void Door::State::signed_in(const std::string& handle, const DeviceId& device,
                            const Done<v1::SignedIn>& done) {
  const std::int64_t issued = now().ms;
  const std::int64_t expires = issued + options.account_token_life.count();
  v1::SignedIn answer;
  answer.set_user_id(UserId::of(handle).bytes());
  answer.set_access_token(tokens.issue({handle, device, issued, expires}));
  answer.set_expires_ms(static_cast<std::uint64_t>(expires));
  done(std::move(answer));
}

Door::Door(DoorOptions options, Directory& directory, Users& users, Devices& devices,
           PasswordHasher& passwords, Scheduler& scheduler)
    : state_(std::make_shared<State>(std::move(options), directory, users, devices, passwords,
                                     scheduler)) {
  if (!state_->options.register_accounts) return;
  passwords.hash(0, "a password that nobody has",
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
  const auto holder = state_->tokens.read_ticket(hello.resume_ticket(), state_->now());
  if (!holder) {
    done(holder.error());
    return;
  }
  if (holder->device != *device) {
    done(make_error(ErrorCode::kUnauthenticated, "the ticket belongs to another device"));
    return;
  }
  state_->check_revoked({holder->user, holder->device, holder->issued_ms, holder->token_expires_ms},
                        std::move(done));
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

void Door::register_account(const v1::Register& request, std::uint64_t turn, Done<v1::SignedIn> done) {
  const auto device = device_id(request.device_id());
  if (!state_->options.register_accounts || !device) {
    done(make_error(ErrorCode::kPermissionDenied, "this server has no accounts of its own"));
    return;
  }
  NewUser user{request.handle(),
               request.display_name().empty() ? request.handle() : request.display_name(), ""};
  state_->passwords.hash(
      turn, request.password(), [weak = std::weak_ptr(state_), device = *device, user,
                           done = std::move(done)](Result<std::string> hash) mutable {
        const auto state = weak.lock();
        if (!state) return;
        if (!hash) {
          done(hash.error());
          return;
        }
        user.password_hash = *hash;
        state->directory.create(user, [weak, handle = user.handle, device,
                                       done = std::move(done)](const Status& created) {
          const auto self = weak.lock();
          if (!self) return;
          if (!created) {
            done(created.error());
            return;
          }
          self->signed_in(handle, device, done);
        });
      });
}

void Door::sign_in(const v1::SignIn& request, std::uint64_t turn, Done<v1::SignedIn> done) {
  const auto device = device_id(request.device_id());
  if (!state_->options.register_accounts || !device) {
    done(make_error(ErrorCode::kPermissionDenied, "this server has no accounts of its own"));
    return;
  }
  state_->directory.password_hash(
      UserId::of(request.handle()),
      [weak = std::weak_ptr(state_), device = *device, turn, handle = request.handle(),
       password = request.password(), done = std::move(done)](Result<std::string> stored) mutable {
        const auto state = weak.lock();
        if (!state) return;
        if (!stored && stored.error().code != ErrorCode::kNotFound) {
          done(stored.error());
          return;
        }
        const bool known = stored && !stored->empty();
        state->passwords.verify(
            turn, std::move(password), known ? *stored : state->dummy_hash,
            [weak, known, handle, device, done = std::move(done)](const Result<bool>& fits) {
              const auto self = weak.lock();
              if (!self) return;
              if (!fits) {
                done(fits.error());
              } else if (!known || !*fits) {
                done(make_error(ErrorCode::kUnauthenticated, "handle or password is wrong"));
              } else {
                self->signed_in(handle, device, done);
              }
            });
      });
}

Result<std::string> Door::ticket(const Admission& a) const {
  return state_->tokens.issue_ticket({a.user, a.device, a.issued_ms, a.expires_ms}, state_->now());
}

}  // namespace kith::server
