// Result<T> and Error: how every fallible call of Kith answers. No exception leaves the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/ids.h"

namespace kith {

// The closed table of failures. Values are stable; new ones are appended.
enum class ErrorCode : std::uint16_t {
  kInvalidArgument = 1,   // a parameter breaks its documented rule
  kProtocol = 2,          // the peer sent something that the protocol does not allow
  kTooLarge = 3,          // above a limit of kith/core/limits.h
  kUnauthenticated = 4,   // the token is not valid for this server
  kTokenExpired = 5,      // the token was valid once: fetch a new one
  kRevoked = 6,           // the session or the user was revoked: sign in again
  kPermissionDenied = 7,  // signed in, but not allowed
  kNotFound = 8,
  kAlreadyExists = 9,
  kNotMember = 10,        // not (or no longer) a member of the conversation
  kLimitExceeded = 11,    // a documented limit, e.g. members of a group
  kRateLimited = 12,      // too fast; Error::retry_after says when to try again
  kOverloaded = 13,       // the server protects itself; Error::retry_after says when to try again
  kUnavailable = 14,      // a part that the request needs is down for now
  kExpired = 15,          // too old: the server no longer recognises it as a repetition
  kUpgradeRequired = 16,  // this client is too old for the server (or the other way round)
  kUnimplemented = 17,    // the peer does not know this request
  kInternal = 18,         // a bug in Kith; please report
  kCancelled = 19,        // the object was closed, or the call withdrawn, before it was done

  // Network, seen by the client
  kOffline = 40,          // not connected
  kTimeout = 41,          // no answer in time; it may or may not have happened
  kDnsFailed = 42,        // the host name does not resolve
  kConnectFailed = 43,    // refused or unreachable
  kTlsCertificate = 44,   // the certificate does not verify; nothing was sent
  kTlsFailed = 45,        // TLS could not be negotiated for another reason
  kNotKithServer = 46,    // something answers there, but it is no Kith server
  kTrustStoreEmpty = 47,  // no CA certificate to verify against

  // Local storage
  kAlreadyOpen = 60,   // another process (or Client) holds the cache
  kCacheTooNew = 61,   // written by a later release
  kCacheCorrupt = 62,  // not readable; it was set aside and will be rebuilt
  kDiskFull = 63,
  kIo = 64,  // other read or write failure
  kOutboxFull = 65,
  kClosed = 66,       // the object was closed
  kCacheTooOld = 67,  // written by an earlier release in a layout that is not taken over

  // Server process
  kAddressInUse = 80,  // the port is taken
  kBadConfig = 81,     // message names file, line and field
};

// The reaction that a failure calls for. The outbox decides by this alone.
enum class Retry : std::uint8_t {
  kNever,               // the same request will fail again
  kAfterBackoff,        // later, with jittered back-off (or after Error::retry_after_ms)
  kWhenNetworkChanges,  // once there is a connection
  kAfterReauth,         // once there is a new token
};

KITH_API Retry retry_of(ErrorCode code) noexcept;
// "kTooLarge" -> "TOO_LARGE"
KITH_API std::string_view to_string(ErrorCode code) noexcept;

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one English sentence for developers; no message text, no tokens
  std::uint32_t retry_after_ms = 0;  // asked for by the server; 0 = use the caller's own back-off
  // The people that the error is about: they do not exist, or may not be added to a group.
  std::vector<UserId> users{};

  [[nodiscard]] Retry retry() const noexcept { return retry_of(code); }
  // "TOO_LARGE: the text has 9,012 bytes, at most 8,192 are allowed"
  [[nodiscard]] KITH_API std::string to_string() const;
};

inline Error make_error(ErrorCode code, std::string message, std::uint32_t retry_after_ms = 0) {
  return Error{code, std::move(message), retry_after_ms, {}};
}

// Either a T or an Error, as std::expected of C++23 is, which the supported compilers do not have
// yet.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(implicit)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(implicit)

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Undefined if !ok() (std::bad_variant_access is thrown).
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // Undefined if ok().
  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }

  [[nodiscard]] T value_or(T other) const& { return ok() ? value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(implicit)
  [[nodiscard]] bool ok() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace kith
