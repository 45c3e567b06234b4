// The table of failures: names, retry classes, wire codes.
#include "src/error.h"

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"

namespace kith {
namespace {

static_assert(static_cast<int>(ErrorCode::kInvalidArgument) == v1::ERROR_CODE_INVALID_ARGUMENT);
static_assert(static_cast<int>(ErrorCode::kTokenExpired) == v1::ERROR_CODE_TOKEN_EXPIRED);
static_assert(static_cast<int>(ErrorCode::kNotMember) == v1::ERROR_CODE_NOT_MEMBER);
static_assert(static_cast<int>(ErrorCode::kExpired) == v1::ERROR_CODE_EXPIRED);
static_assert(static_cast<int>(ErrorCode::kCancelled) == v1::ERROR_CODE_CANCELLED);

// Cuts at a character boundary, so that the result is still UTF-8.
std::string shortened(const std::string& text) {
  if (text.size() <= limits::detail_bytes_max) return text;
  std::size_t end = limits::detail_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
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
    // A captive portal, a lapsed certificate or a full disk end by themselves: nothing waiting may
    // be given up for them.
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
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kProtocol:
      return "PROTOCOL";
    case ErrorCode::kTooLarge:
      return "TOO_LARGE";
    case ErrorCode::kUnauthenticated:
      return "UNAUTHENTICATED";
    case ErrorCode::kTokenExpired:
      return "TOKEN_EXPIRED";
    case ErrorCode::kRevoked:
      return "REVOKED";
    case ErrorCode::kPermissionDenied:
      return "PERMISSION_DENIED";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    case ErrorCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case ErrorCode::kNotMember:
      return "NOT_MEMBER";
    case ErrorCode::kLimitExceeded:
      return "LIMIT_EXCEEDED";
    case ErrorCode::kRateLimited:
      return "RATE_LIMITED";
    case ErrorCode::kOverloaded:
      return "OVERLOADED";
    case ErrorCode::kUnavailable:
      return "UNAVAILABLE";
    case ErrorCode::kExpired:
      return "EXPIRED";
    case ErrorCode::kUpgradeRequired:
      return "UPGRADE_REQUIRED";
    case ErrorCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case ErrorCode::kInternal:
      return "INTERNAL";
    case ErrorCode::kCancelled:
      return "CANCELLED";
    case ErrorCode::kOffline:
      return "OFFLINE";
    case ErrorCode::kTimeout:
      return "TIMEOUT";
    case ErrorCode::kDnsFailed:
      return "DNS_FAILED";
    case ErrorCode::kConnectFailed:
      return "CONNECT_FAILED";
    case ErrorCode::kTlsCertificate:
      return "TLS_CERTIFICATE";
    case ErrorCode::kTlsFailed:
      return "TLS_FAILED";
    case ErrorCode::kNotKithServer:
      return "NOT_KITH_SERVER";
    case ErrorCode::kTrustStoreEmpty:
      return "TRUST_STORE_EMPTY";
    case ErrorCode::kAlreadyOpen:
      return "ALREADY_OPEN";
    case ErrorCode::kCacheTooNew:
      return "CACHE_TOO_NEW";
    case ErrorCode::kCacheCorrupt:
      return "CACHE_CORRUPT";
    case ErrorCode::kDiskFull:
      return "DISK_FULL";
    case ErrorCode::kIo:
      return "IO";
    case ErrorCode::kOutboxFull:
      return "OUTBOX_FULL";
    case ErrorCode::kClosed:
      return "CLOSED";
    case ErrorCode::kAddressInUse:
      return "ADDRESS_IN_USE";
    case ErrorCode::kBadConfig:
      return "BAD_CONFIG";
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

v1::Error to_wire(const Error& error) {
  v1::Error out;
  out.set_code(static_cast<v1::ErrorCode>(wire_code(error.code)));
  out.set_retryable(error.retry() != Retry::kNever);
  out.set_retry_after_ms(error.retry_after_ms);
  out.set_detail(shortened(error.message));
  return out;
}

Error from_wire(const v1::Error& error) {
  const int value = error.code();
  ErrorCode code = error.retryable() ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
  if (v1::ErrorCode_IsValid(value) && value != v1::ERROR_CODE_UNSPECIFIED) {
    code = static_cast<ErrorCode>(value);
  }
  return make_error(code, error.detail(), error.retry_after_ms());
}

}  // namespace kith
