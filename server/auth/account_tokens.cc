// Access tokens of the server's accounts (JWT) and resume tickets.
#include "server/auth/account_tokens.h"

#include "kith/core/limits.h"
#include "kith/v1/cluster.pb.h"
#include "server/auth/jwt.h"
#include "src/frame_codec.h"
#include "src/hash.h"
#include "src/resume_ticket.h"

namespace kith::server {

std::int64_t AccountToken::session_end_ms() const {
  return expires_ms + Millis(JwtOptions{}.leeway).count();
}

AccountTokens::Keys::Keys(std::string_view secret)
    : token(view(hmac_sha256(secret, "kith account token"))),
      ticket(view(hmac_sha256(secret, "kith resume ticket"))) {}

AccountTokens::AccountTokens(std::string_view secret, std::string_view previous) {
  keys_.emplace_back(secret);
  if (!previous.empty()) keys_.emplace_back(previous);
}

std::string AccountTokens::issue(const AccountToken& token) const {
  JwtClaims claims;
  claims.subject = token.handle;
  claims.device = token.device.to_string();
  claims.issued_ms = token.issued_ms;
  claims.expires_ms = token.expires_ms;
  claims.user_ended_ms = token.after.user_ms;
  claims.device_ended_ms = token.after.device_ms;
  return encode_jwt(claims, keys_.front().token);
}

Result<AccountToken> AccountTokens::read(std::string_view token, Timestamp now) const {
  JwtOptions rules;
  rules.secret = keys_.front().token;
  if (keys_.size() > 1) rules.previous_secret = keys_.back().token;
  const auto claims = decode_jwt(token, rules, now, true);
  if (!claims) return claims.error();
  const auto device = DeviceId::parse(claims->device);
  if (!device) return make_error(ErrorCode::kUnauthenticated, "the token names no device");
  return AccountToken{claims->subject,
                      *device,
                      claims->issued_ms,
                      claims->expires_ms,
                      {claims->user_ended_ms, claims->device_ended_ms}};
}

Result<std::string> AccountTokens::issue_ticket(const Admission& holder, Timestamp now) const {
  v1::ResumeTicket ticket;
  ticket.set_user_id(holder.user.bytes());
  ticket.set_device_id(holder.device.bytes());
  ticket.set_issued_ms(static_cast<std::uint64_t>(holder.issued_ms));
  ticket.set_expires_ms(
      static_cast<std::uint64_t>(now.ms + Millis(limits::resume_ticket_life).count()));
  ticket.set_token_expires_ms(static_cast<std::uint64_t>(holder.expires_ms));
  ticket.set_token_id(holder.token_id);
  ticket.set_user_ended_ms(static_cast<std::uint64_t>(holder.after.user_ms));
  ticket.set_device_ended_ms(static_cast<std::uint64_t>(holder.after.device_ms));
  return seal(ticket, keys_.front().ticket);
}

Result<Admission> AccountTokens::read_ticket(std::string_view sealed, Timestamp now) const {
  auto ticket = open_ticket(sealed, keys_.front().ticket, now);
  if (!ticket && ticket.error().code == ErrorCode::kUnauthenticated && keys_.size() > 1) {
    ticket = open_ticket(sealed, keys_.back().ticket, now);
  }
  if (!ticket) return ticket.error();
  const auto user = user_id(ticket->user_id());
  const auto device = device_id(ticket->device_id());
  if (!user || !device) return make_error(ErrorCode::kUnauthenticated, "the ticket has no owner");
  return Admission{*user,
                   *device,
                   static_cast<std::int64_t>(ticket->issued_ms()),
                   static_cast<std::int64_t>(ticket->token_expires_ms()),
                   ticket->token_id(),
                   {static_cast<std::int64_t>(ticket->user_ended_ms()),
                    static_cast<std::int64_t>(ticket->device_ended_ms())}};
}

}  // namespace kith::server
