// Gateway: what sessions do to the account that they are of.
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/gateway/gateway.h"
#include "src/frame_codec.h"

namespace kith::server {

bool Gateway::begin_proof(Session& session, const Reply& reply, SignInAttempt& tried) {
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const Admission& who = session.admission();
  // Its session says so, whoever has come in since.
  entry_.remember(who.user, who.device, session.address(), now);
  const std::uint32_t wait = entry_.begin(who.user, who.device, session.address(), now, tried);
  if (wait == 0) return true;
  ++counters_.rate_limited;
  refusals_.note(RefusalClass::kSignIn, session.address());
  reply_error(reply, make_error(ErrorCode::kRateLimited, "too many wrong passwords", wait));
  return false;
}

void Gateway::end_proof(const SignInAttempt& tried, const std::string& address,
                        const Status& proven) {
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  if (proven) {
    entry_.succeeded(tried, now);
  } else if (proven.error().code == ErrorCode::kUnauthenticated) {
    refusals_.note(RefusalClass::kPassword, address);
  } else {
    entry_.undecided(tried, now);
  }
}

// This session goes on by its new token; whatever was made before, tickets included, is refused.
void Gateway::change_password(Session& session, const v1::ChangePassword& request,
                              const Reply& reply) {
  SignInAttempt tried;
  if (!begin_proof(session, reply, tried)) return;
  const auto done = [this, alive = alive_, id = session.id(), who = session.admission(),
                     address = session.address(), tried, reply](Result<Door::Changed> changed) {
    if (!*alive) return;
    end_proof(tried, address, changed ? Status() : Status(changed.error()));
    if (!changed) return reply_error(reply, changed.error());
    if (Session* asking = find(id); asking != nullptr && asking->ready()) {
      asking->admit(changed->second, steady(changed->second.expires_ms));
      schedule(*asking);
    }
    v1::ServerFrame answer;
    *answer.mutable_signed_in() = std::move(changed->first);
    reply(std::move(answer));
    end_revoked(who.user, nullptr, &who.device);
  };
  ports_.door.change_password(session.admission(), request, tried.turn, done);
}

void Gateway::delete_account(Session& session, const std::string& password, const Reply& reply) {
  SignInAttempt tried;
  if (!begin_proof(session, reply, tried)) return;
  const UserId user = session.admission().user;
  const auto proven = [this, alive = alive_, user, address = session.address(), tried,
                       reply](const Status& own) {
    if (!*alive) return;
    end_proof(tried, address, own);
    if (!own) return reply_error(reply, own.error());
    hooks_.remove_account(user, [reply](const Status& removed) {
      removed ? reply_ack(reply) : reply_error(reply, removed.error());
    });
  };
  ports_.door.check_password(user, tried.turn, password, proven);
}

}  // namespace kith::server
