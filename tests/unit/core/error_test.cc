// Every failure has a name, a retry class and a wire form that leads the peer to the same decision.
#include "src/error.h"

#include <gtest/gtest.h>

#include <set>

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"
#include "src/utf8.h"

namespace kith {
namespace {

std::vector<ErrorCode> all_codes() {
  std::vector<ErrorCode> out;
  for (const auto& [first, last] : {std::pair{1, 19}, {40, 47}, {60, 66}, {80, 81}}) {
    for (int i = first; i <= last; ++i) out.push_back(static_cast<ErrorCode>(i));
  }
  return out;
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (const ErrorCode code : all_codes()) {
    EXPECT_NE(to_string(code), "UNKNOWN") << static_cast<int>(code);
    EXPECT_TRUE(names.insert(to_string(code)).second) << to_string(code);
  }
  EXPECT_EQ(to_string(static_cast<ErrorCode>(999)), "UNKNOWN");
}

TEST(Error, ReadsAloud) {
  EXPECT_EQ(make_error(ErrorCode::kTooLarge, "the text has 9,012 bytes").to_string(),
            "TOO_LARGE: the text has 9,012 bytes");
  EXPECT_EQ(make_error(ErrorCode::kOffline, "").to_string(), "OFFLINE");
}

TEST(Error, RetryClasses) {
  EXPECT_EQ(retry_of(ErrorCode::kOffline), Retry::kWhenNetworkChanges);
  EXPECT_EQ(retry_of(ErrorCode::kConnectFailed), Retry::kWhenNetworkChanges);
  EXPECT_EQ(retry_of(ErrorCode::kDnsFailed), Retry::kWhenNetworkChanges);
  for (const ErrorCode code : {ErrorCode::kTimeout, ErrorCode::kRateLimited, ErrorCode::kOverloaded,
                               ErrorCode::kUnavailable, ErrorCode::kInternal}) {
    EXPECT_EQ(retry_of(code), Retry::kAfterBackoff) << to_string(code);
  }
  EXPECT_EQ(retry_of(ErrorCode::kTokenExpired), Retry::kAfterReauth);
  for (const ErrorCode code :
       {ErrorCode::kUnauthenticated, ErrorCode::kRevoked, ErrorCode::kTooLarge, ErrorCode::kExpired,
        ErrorCode::kNotMember, ErrorCode::kInvalidArgument}) {
    EXPECT_EQ(retry_of(code), Retry::kNever) << to_string(code);
  }
}

TEST(Error, WireKeepsCodeTextAndWait) {
  for (int i = 1; i <= 19; ++i) {
    const Error error = make_error(static_cast<ErrorCode>(i), "a sentence", 1500);
    const Error back = from_wire(to_wire(error));
    EXPECT_EQ(back.code, error.code);
    const bool own = error.code == ErrorCode::kInternal;
    EXPECT_EQ(back.message, own ? "an error in the server" : error.message);
    EXPECT_EQ(back.retry_after_ms, 1500u);
    EXPECT_EQ(to_wire(error).retryable(), error.retry() != Retry::kNever);
  }
}

// Retryable errors stay retryable, and no answer shows where a server keeps its files or the words of its engine.
TEST(Error, LocalCodesLeaveWithoutWhatTheEngineSays) {
  for (const ErrorCode code : all_codes()) {
    if (static_cast<int>(code) <= 19) continue;
    const v1::Error wire = to_wire(make_error(code, "/srv/kith: SQLite: disk I/O error"));
    const bool storage = code == ErrorCode::kDiskFull || code == ErrorCode::kIo ||
                         code == ErrorCode::kCacheCorrupt || code == ErrorCode::kCacheTooNew ||
                         code == ErrorCode::kAlreadyOpen || code == ErrorCode::kClosed;
    EXPECT_EQ(wire.code(), storage ? v1::ERROR_CODE_UNAVAILABLE : v1::ERROR_CODE_INTERNAL)
        << to_string(code);
    if (!storage) continue;
    EXPECT_TRUE(wire.retryable()) << to_string(code);
    EXPECT_EQ(wire.detail().find("SQLite"), std::string::npos) << wire.detail();
    EXPECT_EQ(wire.detail().find('/'), std::string::npos) << wire.detail();
  }
  EXPECT_EQ(to_wire(make_error(ErrorCode::kInternal, "SQLite: x")).detail(),
            "an error in the server");
}

//
TEST(Error, CodeOfANewerPeerKeepsItsRetryClass) {
  v1::Error wire;
  wire.set_code(static_cast<v1::ErrorCode>(77));
  EXPECT_EQ(from_wire(wire).retry(), Retry::kNever);
  wire.set_retryable(true);
  EXPECT_EQ(from_wire(wire).retry(), Retry::kAfterBackoff);
}

TEST(Error, LongSentencesAreCutBetweenCharacters) {
  std::string text(limits::detail_bytes_max - 1, 'x');
  text += "ü and more";
  const std::string detail = to_wire(make_error(ErrorCode::kProtocol, text)).detail();
  EXPECT_EQ(detail.size(), limits::detail_bytes_max - 1);
  EXPECT_TRUE(is_utf8(detail));
}

}  // namespace
}  // namespace kith
