// TokenEntry: Hello with a token or a ticket.
#include "server/auth/token_entry.h"

#include <utility>

#include "kith/v1/session.pb.h"
#include "src/frame_codec.h"
#include "src/hash.h"

namespace kith::server {
namespace {

std::string digest_of(std::string_view token) {
  const Hash16 digest = hash16(token);
  return {digest.begin(), digest.end()};
}

Error unauthenticated(const char* why) {
  return make_error(ErrorCode::kUnauthenticated, why);
}

}  // namespace

void TokenEntry::admit(const v1::Hello& hello, Done<Admission> done) {
  const auto device = device_id(hello.device_id());
  if (!device) return done(make_error(ErrorCode::kInvalidArgument, "device_id is not an id"));
  if (hello.auth_case() == v1::Hello::kResumeTicket)
    return admit_ticket(hello.resume_ticket(), *device, std::move(done));
  admit_token(hello.access_token(), {*device, hello.agent(), now().ms, 0}, std::move(done));
}

template <class Check>
void TokenEntry::admit_own(const UserId& user, const Done<Admission>& done, Check check) {
  if (ports_.home.has(user)) return check();
  Admission elsewhere;
  elsewhere.user = user;
  elsewhere.elsewhere = true;
  done(elsewhere);
}

void TokenEntry::admit_ticket(const std::string& ticket, const DeviceId& device,
                              Done<Admission> done) {
  auto holder = ports_.tokens.read_ticket(ticket, now());
  if (!holder) return done(holder.error());
  if (holder->device != device)
    return done(unauthenticated("the ticket belongs to another device"));
  admit_own(holder->user, done, [&] { ports_.rights.check(std::move(*holder), done); });
}

void TokenEntry::renew(const Admission& current, const std::string& token, Done<Admission> done) {
  admit_token(token, {current.device, "", now().ms, 0},
              [user = current.user, done = std::move(done)](Result<Admission> fresh) {
                if (fresh && fresh->user != user)
                  return done(unauthenticated("the token belongs to another user"));
                done(std::move(fresh));
              });
}

void TokenEntry::admit_token(const std::string& token, const DeviceRecord& device,
                             Done<Admission> done) {
  const auto own = ports_.tokens.read(token, now());
  if (own) {
    if (own->device != device.id)
      return done(unauthenticated("the token belongs to another device"));
    const UserId user = UserId::of(own->handle);
    return admit_own(user, done, [&] {
      ports_.rights.check({user, device.id, own->issued_ms, own->session_end_ms(), "", own->after},
                          done);
    });
  }
  if (own.error().code == ErrorCode::kTokenExpired || !authenticator_) return done(own.error());
  auto known = guard_.wrap([this, device, digest = digest_of(token),
                            done = std::move(done)](const Result<Identity>& identity) mutable {
    admit_identity(identity, device, digest, std::move(done));
  });
  authenticator_->authenticate(token, [&loop = ports_.scheduler, known = std::move(known)](
                                          Result<Identity> identity) mutable {
    loop.post(
        [known = std::move(known), identity = std::move(identity)]() mutable { known(identity); });
  });
}

void TokenEntry::admit_identity(const Result<Identity>& identity, DeviceRecord device,
                                const std::string& token_digest, Done<Admission> done) {
  if (!identity) return done(identity.error());
  if (!check_handle(identity->handle))
    return done(unauthenticated("the authenticator answered no valid handle"));
  if (identity->expires_ms != 0 && identity->expires_ms <= now().ms)
    return done(make_error(ErrorCode::kTokenExpired, "the token has expired"));
  const UserId user = UserId::of(identity->handle);
  admit_own(user, done,
            [&] { admit_known(user, *identity, std::move(device), token_digest, done); });
}

void TokenEntry::admit_known(const UserId& user, const Identity& identity, DeviceRecord device,
                             const std::string& token_digest, Done<Admission> done) {
  const std::string token = identity.token_id.empty() ? token_digest : digest_of(identity.token_id);
  const Admission admission{user, device.id, identity.issued_ms, identity.expires_ms, token};
  device.tokens = {{token, identity.issued_ms, identity.expires_ms}};
  const std::string name = identity.display_name.empty() ? identity.handle : identity.display_name;
  ports_.users.find_or_create({identity.handle, name, ""}, device,
                              guard_.wrap([this, admission, device, done = std::move(done)](
                                              const Result<Users::WithDevices>& arrived) mutable {
                                if (!arrived) return done(arrived.error());
                                if (arrived->devices)
                                  ports_.devices.learn(admission.user, arrived->devices);
                                ports_.rights.check_token(admission, device, std::move(done));
                              }));
}

}  // namespace kith::server
