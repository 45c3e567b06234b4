// OwnAccounts: passwords, and the tokens that they give.
#include "server/auth/own_accounts.h"

#include <utility>

#include "kith/v1/session.pb.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

Error not_offered() {
  return make_error(ErrorCode::kPermissionDenied, "this server has no accounts of its own");
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

OwnAccounts::OwnAccounts(Options options, const Ports& ports) : options_(options), ports_(ports) {}

void OwnAccounts::start() {
  if (!options_.offered) return;
  ports_.passwords.hash({}, "a password that nobody has",
                        guard_.wrap([this](Result<std::string> hash) {
                          if (hash) dummy_hash_ = *hash;
                        }));
}

// --- new accounts, and sign-ins ---

void OwnAccounts::register_account(const v1::Register& request, const Turn& turn,
                                   Done<v1::SignedIn> done) {
  const auto device = device_id(request.device_id());
  if (!options_.offered || !device) return done(not_offered());
  NewUser user{request.handle(),
               request.display_name().empty() ? request.handle() : request.display_name(), ""};
  ports_.passwords.hash(turn, request.password(),
                        guard_.wrap([this, device = *device, user,
                                     done = std::move(done)](Result<std::string> hash) mutable {
                          if (!hash) return done(hash.error());
                          user.password_hash = *hash;
                          ports_.directory.create(
                              user, guard_.wrap([this, handle = user.handle, device,
                                                 done = std::move(done)](const Status& created) {
                                if (!created) return done(created.error());
                                done(sign(new_token(handle, device, {})));
                              }));
                        }));
}

void OwnAccounts::sign_in(const v1::SignIn& request, const Turn& turn, Done<v1::SignedIn> done) {
  if (!options_.offered || !device_id(request.device_id())) return done(not_offered());
  const UserId user = UserId::of(request.handle());
  verify(
      user, turn, request.password(),
      guard_.wrap([this, user, request, done = std::move(done)](const Result<Verified>& verified) {
        if (!verified) return done(verified.error());
        if (!verified->fits) return done(wrong_sign_in());
        ports_.rights.set_right(
            user, guard_.wrap([this, request, verified = *verified, done](const Result<bool>& set) {
              if (!set) return done(set.error());
              let_in(request, verified, done);
            }));
      }));
}

void OwnAccounts::let_in(const v1::SignIn& request, const Verified& verified,
                         Done<v1::SignedIn> done) {
  const UserId user = UserId::of(request.handle());
  const DeviceId device = *device_id(request.device_id());
  ports_.rights.last_ended_of(
      user, device,
      guard_.wrap([this, user, device, handle = request.handle(), verified,
                   done = std::move(done)](const Result<LastEnded>& after) mutable {
        if (!after) return done(after.error());
        // Comes last: revocations from here on are not among those that the token records.
        check_current(user, verified,
                      guard_.wrap([this, device, handle, last = *after,
                                   done = std::move(done)](const Status& current) {
                        if (current) {
                          done(sign(new_token(handle, device, last)));
                        } else if (current.error().code == ErrorCode::kUnauthenticated) {
                          done(wrong_sign_in());
                        } else {
                          done(current.error());
                        }
                      }));
      }));
}

v1::SignedIn OwnAccounts::sign(const AccountToken& token) const {
  v1::SignedIn answer;
  answer.set_user_id(UserId::of(token.handle).bytes());
  answer.set_access_token(ports_.tokens.issue(token));
  answer.set_expires_ms(static_cast<std::uint64_t>(token.expires_ms));
  return answer;
}

AccountToken OwnAccounts::new_token(const std::string& handle, const DeviceId& device,
                                    const LastEnded& after) const {
  const std::int64_t now_ms = ports_.clock.wall().ms;
  return {handle, device, now_ms, now_ms + options_.token_life.count(), after};
}

// --- passwords ---

void OwnAccounts::verify(const UserId& user, const Turn& turn, const std::string& password,
                         Done<Verified> done) {
  ports_.directory.password_hash(
      user, guard_.wrap([this, turn, password, before = ports_.rights.count(),
                         done = std::move(done)](const Result<std::string>& stored) mutable {
        if (!stored && stored.error().code != ErrorCode::kNotFound) return done(stored.error());
        const std::string hash = stored ? *stored : std::string();
        ports_.passwords.verify(
            turn, std::move(password), hash.empty() ? dummy_hash_ : hash,
            guard_.wrap([hash, before, done = std::move(done)](const Result<bool>& fits) {
              if (!fits) return done(fits.error());
              done(Verified{hash, !hash.empty() && *fits, before});
            }));
      }));
}

void OwnAccounts::verify_own(const UserId& user, const Turn& turn, const std::string& password,
                             Done<std::string> done) {
  if (!options_.offered) return done(no_own_account());
  verify(user, turn, password,
         guard_.wrap([this, user, done = std::move(done)](const Result<Verified>& verified) {
           if (!verified) return done(verified.error());
           if (verified->hash.empty()) return done(no_own_account());
           if (!verified->fits) return done(wrong_password());
           check_current(user, *verified, [hash = verified->hash, done](const Status& current) {
             current ? done(hash) : done(current.error());
           });
         }));
}

void OwnAccounts::check_current(const UserId& user, const Verified& verified, Done<void> done) {
  if (replacing_.contains(user)) {
    return done(make_error(ErrorCode::kUnavailable, "the password is being replaced"));
  }
  if (verified.before == ports_.rights.count()) return done({});
  ports_.directory.password_hash(
      user, guard_.wrap([this, user, hash = verified.hash, before = ports_.rights.count(),
                         done = std::move(done)](const Result<std::string>& stored) mutable {
        if (!stored && stored.error().code != ErrorCode::kNotFound) return done(stored.error());
        if (!stored || *stored != hash) return done(wrong_password());
        check_current(user, {hash, true, before}, std::move(done));
      }));
}

void OwnAccounts::check_password(const UserId& user, const Turn& turn, const std::string& password,
                                 Done<void> done) {
  verify_own(user, turn, password, [done = std::move(done)](const Result<std::string>& hash) {
    done(hash ? Status() : Status(hash.error()));
  });
}

void OwnAccounts::replace_password(const UserId& user, const UserChange& change,
                                   Done<Users::Record> done) {
  ++replacing_[user];
  ports_.users.update(
      user, change,
      guard_.wrap([this, user, done = std::move(done)](const Result<Users::Record>& updated) {
        if (--replacing_[user] == 0) replacing_.erase(user);
        if (updated) {
          ports_.devices.forget(user);
          ports_.rights.note();
        }
        done(updated);
      }));
}

void OwnAccounts::change_password(const Admission& current, const v1::ChangePassword& request,
                                  const Turn& turn, Done<Changed> done) {
  verify_own(
      current.user, turn, request.old_password(),
      guard_.wrap([this, turn, current, fresh = request.new_password(),
                   done = std::move(done)](const Result<std::string>& old_hash) {
        if (!old_hash) return done(old_hash.error());
        ports_.passwords.hash(
            turn, fresh,
            guard_.wrap([this, current, done, old = *old_hash](const Result<std::string>& hash) {
              hash ? note_change(current, old, *hash, done) : done(hash.error());
            }));
      }));
}

void OwnAccounts::note_change(const Admission& current, const std::string& old_hash,
                              const std::string& hash, Done<Changed> done) {
  UserChange change;
  change.password = PasswordChange{hash, old_hash};
  change.revoke = Revocation{ports_.clock.wall().ms, current.device, std::nullopt};
  replace_password(
      current.user, change,
      guard_.wrap([this, current, done = std::move(done)](const Result<Users::Record>& updated) {
        if (!updated) return done(updated.error());
        // Records this change, and the revocations of this device's tokens at the beginning of its
        // session: a revocation that came meanwhile revokes the new token too.
        const LastEnded after{(*updated)->tokens_valid_from_ms, current.after.device_ms};
        const AccountToken token = new_token((*updated)->handle, current.device, after);
        done(Changed{
            sign(token),
            {current.user, current.device, token.issued_ms, token.session_end_ms(), "", after}});
      }));
}

void OwnAccounts::set_password(const UserId& user, const std::string& password, Done<void> done) {
  ports_.directory.password_hash(user, guard_.wrap([this, user, password, done = std::move(done)](
                                                       const Result<std::string>& stored) {
    if (!stored) return done(stored.error());
    if (stored->empty()) return done(no_own_account());
    ports_.passwords.hash(
        {}, password, guard_.wrap([this, user, done](const Result<std::string>& hash) {
          if (!hash) return done(hash.error());
          UserChange change;
          change.password = PasswordChange{*hash, std::nullopt};
          change.revoke = Revocation{ports_.clock.wall().ms, std::nullopt, std::nullopt};
          replace_password(user, change, [done](const Result<Users::Record>& updated) {
            done(updated ? Status() : Status(updated.error()));
          });
        }));
  }));
}

}  // namespace kith::server
