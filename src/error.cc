// The table of failures: names, retry classes, wire codes.
#include "src/error.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/time.h"
#include "kith/v1/session.pb.h"
#include "src/utf8.h"

namespace kith {
namespace {

static_assert(static_cast<int>(ErrorCode::kInvalidArgument) == v1::ERROR_CODE_INVALID_ARGUMENT);
static_assert(static_cast<int>(ErrorCode::kTokenExpired) == v1::ERROR_CODE_TOKEN_EXPIRED);
static_assert(static_cast<int>(ErrorCode::kNotMember) == v1::ERROR_CODE_NOT_MEMBER);
static_assert(static_cast<int>(ErrorCode::kExpired) == v1::ERROR_CODE_EXPIRED);
static_assert(static_cast<int>(ErrorCode::kCancelled) == v1::ERROR_CODE_CANCELLED);

constexpr std::pair<ErrorCode, std::string_view> kNames[] = {
    {ErrorCode::kInvalidArgument, "INVALID_ARGUMENT"},
    {ErrorCode::kProtocol, "PROTOCOL"},
    {ErrorCode::kTooLarge, "TOO_LARGE"},
    {ErrorCode::kUnauthenticated, "UNAUTHENTICATED"},
    {ErrorCode::kTokenExpired, "TOKEN_EXPIRED"},
    {ErrorCode::kRevoked, "REVOKED"},
    {ErrorCode::kPermissionDenied, "PERMISSION_DENIED"},
    {ErrorCode::kNotFound, "NOT_FOUND"},
    {ErrorCode::kAlreadyExists, "ALREADY_EXISTS"},
    {ErrorCode::kNotMember, "NOT_MEMBER"},
    {ErrorCode::kLimitExceeded, "LIMIT_EXCEEDED"},
    {ErrorCode::kRateLimited, "RATE_LIMITED"},
    {ErrorCode::kOverloaded, "OVERLOADED"},
    {ErrorCode::kUnavailable, "UNAVAILABLE"},
    {ErrorCode::kExpired, "EXPIRED"},
    {ErrorCode::kUpgradeRequired, "UPGRADE_REQUIRED"},
    {ErrorCode::kUnimplemented, "UNIMPLEMENTED"},
    {ErrorCode::kInternal, "INTERNAL"},
    {ErrorCode::kCancelled, "CANCELLED"},
    {ErrorCode::kOffline, "OFFLINE"},
    {ErrorCode::kTimeout, "TIMEOUT"},
    {ErrorCode::kDnsFailed, "DNS_FAILED"},
    {ErrorCode::kConnectFailed, "CONNECT_FAILED"},
    {ErrorCode::kTlsCertificate, "TLS_CERTIFICATE"},
    {ErrorCode::kTlsFailed, "TLS_FAILED"},
    {ErrorCode::kNotKithServer, "NOT_KITH_SERVER"},
    {ErrorCode::kTrustStoreEmpty, "TRUST_STORE_EMPTY"},
    {ErrorCode::kAlreadyOpen, "ALREADY_OPEN"},
    {ErrorCode::kCacheTooNew, "CACHE_TOO_NEW"},
    {ErrorCode::kCacheCorrupt, "CACHE_CORRUPT"},
    {ErrorCode::kDiskFull, "DISK_FULL"},
    {ErrorCode::kIo, "IO"},
    {ErrorCode::kOutboxFull, "OUTBOX_FULL"},
    {ErrorCode::kClosed, "CLOSED"},
    {ErrorCode::kCacheTooOld, "CACHE_TOO_OLD"},
    {ErrorCode::kAddressInUse, "ADDRESS_IN_USE"},
    {ErrorCode::kBadConfig, "BAD_CONFIG"},
};

std::string shortened(std::string_view text) {
  return std::string(utf8_prefix(text, limits::detail_bytes_max));
}

}  // namespace

Retry retry_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kOffline:
    case ErrorCode::kDnsFailed:
    case ErrorCode::kConnectFailed:
      return Retry::kWhenNetworkChanges;
    case ErrorCode::kTimeout:
    case ErrorCode::kRateLimited:
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
    case ErrorCode::kInternal:
    // A captive portal, an expired certificate or a full disk are temporary: no queued message may
    // fail because of them.
    case ErrorCode::kTlsCertificate:
    case ErrorCode::kTlsFailed:
    case ErrorCode::kNotKithServer:
    case ErrorCode::kDiskFull:
    case ErrorCode::kOutboxFull:
      return Retry::kAfterBackoff;
    case ErrorCode::kTokenExpired:
      return Retry::kAfterReauth;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kProtocol:
    case ErrorCode::kTooLarge:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kRevoked:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kNotMember:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kExpired:
    case ErrorCode::kUpgradeRequired:
    case ErrorCode::kUnimplemented:
    case ErrorCode::kCancelled:
    case ErrorCode::kTrustStoreEmpty:
    case ErrorCode::kAlreadyOpen:
    case ErrorCode::kCacheTooNew:
    case ErrorCode::kCacheTooOld:
    case ErrorCode::kCacheCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kClosed:
    case ErrorCode::kAddressInUse:
    case ErrorCode::kBadConfig:
      return Retry::kNever;
  }
  return Retry::kNever;
}

std::string_view to_string(ErrorCode code) noexcept {
  for (const auto& [known, name] : kNames) {
    if (known == code) return name;
  }
  return "UNKNOWN";
}

std::string Error::to_string() const {
  std::string out(kith::to_string(code));
  if (!message.empty()) out += ": " + message;
  return out;
}

int wire_code(ErrorCode code) noexcept {
  const int value = static_cast<int>(code);
  return v1::ErrorCode_IsValid(value) && value != v1::ERROR_CODE_UNSPECIFIED
             ? value
             : static_cast<int>(v1::ERROR_CODE_INTERNAL);
}

namespace {

// Returns an internal failure as clients may see it; the details that an engine reports stay in the
// server's log.
Error public_form(const Error& error) {
  switch (error.code) {
    case ErrorCode::kDiskFull:
      return make_error(ErrorCode::kUnavailable, "the server's disk is full", error.retry_after_ms);
    case ErrorCode::kIo:
    case ErrorCode::kCacheCorrupt:
    case ErrorCode::kCacheTooNew:
    case ErrorCode::kAlreadyOpen:
    case ErrorCode::kClosed:
      return make_error(ErrorCode::kUnavailable, "the server cannot read or keep its data now",
                        error.retry_after_ms);
    case ErrorCode::kInternal:
      return make_error(ErrorCode::kInternal, "an error in the server", error.retry_after_ms);
    default:
      return error;
  }
}

}  // namespace

v1::Error to_wire(const Error& own) {
  const Error error = public_form(own);
  v1::Error out;
  out.set_code(static_cast<v1::ErrorCode>(wire_code(error.code)));
  out.set_retryable(error.retry() != Retry::kNever);
  out.set_retry_after_ms(error.retry_after_ms);
  out.set_detail(shortened(error.message));
  for (const UserId& user : error.users) out.add_users(user.bytes());
  return out;
}

Error from_wire(const v1::Error& error) {
  const int value = error.code();
  ErrorCode code = error.retryable() ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
  if (v1::ErrorCode_IsValid(value) && value != v1::ERROR_CODE_UNSPECIFIED) {
    code = static_cast<ErrorCode>(value);
  }
  const auto longest = static_cast<std::uint32_t>(Millis(limits::retry_after_max).count());
  Error out =
      make_error(code, shortened(error.detail()), std::min(error.retry_after_ms(), longest));
  for (const std::string& bytes : error.users()) {
    if (out.users.size() == limits::members_change_max) break;
    if (const auto user = UserId::from_bytes(bytes)) out.users.emplace_back(*user);
  }
  return out;
}

}  // namespace kith
