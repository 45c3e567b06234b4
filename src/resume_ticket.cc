// Seals and opens resume tickets; a ticket is parsed only after its signature has been checked.
#include "src/resume_ticket.h"

#include "kith/core/ids.h"
#include "kith/core/limits.h"
#include "kith/v1/cluster.pb.h"
#include "src/hash.h"

namespace kith {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kMacBytes = sizeof(Sha256);
constexpr std::string_view kContext =
    "kith-resume:";  // this key signs nothing else under this prefix

Sha256 sign(std::string_view body, std::string_view key) {
  return hmac_sha256(key, std::string(kContext).append(body));
}

Error not_ours() {
  return make_error(ErrorCode::kUnauthenticated, "the resume ticket was not issued by this server");
}

// A ticket that is valid for longer than any can be was made while the clock was ahead.
bool of_the_future(std::uint64_t limit_ms, Timestamp now) {
  constexpr Millis kLongest = limits::resume_ticket_life + std::chrono::minutes(1);
  return now.ms >= 0 && limit_ms > static_cast<std::uint64_t>(now.ms + kLongest.count());
}

bool past(std::uint64_t limit_ms, Timestamp now) {
  return now.ms >= 0 && static_cast<std::uint64_t>(now.ms) >= limit_ms;
}

}  // namespace

Result<std::string> seal(const v1::ResumeTicket& ticket, std::string_view key) {
  if (key.size() < kTicketKeyBytesMin) {
    return make_error(ErrorCode::kInvalidArgument, "a ticket key needs at least 32 bytes");
  }
  std::string out(1, kVersion);
  if (!ticket.AppendToString(&out)) {
    return make_error(ErrorCode::kInternal, "the resume ticket could not be encoded");
  }
  const Sha256 mac = sign(out, key);
  out.append(view(mac));
  return out;
}

Result<v1::ResumeTicket> open_ticket(std::string_view sealed, std::string_view key, Timestamp now) {
  if (sealed.size() <= 1 + kMacBytes || sealed.size() > limits::token_bytes_max ||
      sealed.front() != kVersion || key.size() < kTicketKeyBytesMin) {
    return not_ours();
  }
  const std::string_view body = sealed.substr(0, sealed.size() - kMacBytes);
  if (!constant_time_equal(view(sign(body, key)), sealed.substr(body.size()))) return not_ours();
  v1::ResumeTicket ticket;
  const std::string_view payload = body.substr(1);
  if (!ticket.ParseFromArray(payload.data(), static_cast<int>(payload.size())) ||
      ticket.user_id().size() != UserId::kSize || ticket.device_id().size() != DeviceId::kSize) {
    return not_ours();
  }
  if (past(ticket.expires_ms(), now) || of_the_future(ticket.expires_ms(), now)) {
    return make_error(ErrorCode::kTokenExpired, "the resume ticket has expired");
  }
  if (ticket.token_expires_ms() != 0 && past(ticket.token_expires_ms(), now)) {
    return make_error(ErrorCode::kTokenExpired, "the token behind the resume ticket has expired");
  }
  return ticket;
}

}  // namespace kith
