// Ids: types of their own, so that a UserId cannot pass for a ConversationId. Each is a value of 16 opaque bytes
// or one u64.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kith/core/export.h"

namespace kith {

namespace detail {
KITH_API std::string hex(const std::uint8_t* bytes, std::size_t size);
KITH_API bool unhex(std::string_view text, std::uint8_t* bytes, std::size_t size);
}  // namespace detail

// 16 bytes; Tag makes each kind a type of its own. Compared as bytes, hashed, printed as 32 hex digits.
template <class Tag>
class Id {
 public:
  static constexpr std::size_t kSize = 16;
  constexpr Id() = default;
  explicit constexpr Id(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}

  // From exactly 16 raw bytes; nothing otherwise.
  static std::optional<Id> from_bytes(std::string_view bytes) {
    if (bytes.size() != kSize) return std::nullopt;
    Id id;
    std::memcpy(id.bytes_.data(), bytes.data(), kSize);
    return id;
  }
  // From exactly 32 hex digits; nothing otherwise.
  static std::optional<Id> parse(std::string_view text) {
    Id id;
    if (!detail::unhex(text, id.bytes_.data(), kSize)) return std::nullopt;
    return id;
  }

  [[nodiscard]] std::string bytes() const {
    return std::string(reinterpret_cast<const char*>(bytes_.data()), kSize);
  }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), kSize};
  }
  [[nodiscard]] std::string to_string() const { return detail::hex(bytes_.data(), kSize); }
  [[nodiscard]] const std::array<std::uint8_t, kSize>& array() const { return bytes_; }
  [[nodiscard]] bool empty() const { return *this == Id(); }

  friend constexpr bool operator==(const Id& a, const Id& b) {
    const auto x = std::bit_cast<std::array<std::uint64_t, 2>>(a.bytes_);
    const auto y = std::bit_cast<std::array<std::uint64_t, 2>>(b.bytes_);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
  friend constexpr std::strong_ordering operator<=>(const Id& a, const Id& b) {
    const auto first = a.big_endian(0) <=> b.big_endian(0);
    return first != 0 ? first : a.big_endian(1) <=> b.big_endian(1);
  }

 private:
  // One half of the id as a number, so that two comparisons replace a call of memcmp. The built-in compiles
  // to one instruction; a loop over the bytes would compile to sixteen.
  [[nodiscard]] constexpr std::uint64_t big_endian(std::size_t half) const {
    const std::uint64_t word = std::bit_cast<std::array<std::uint64_t, 2>>(bytes_)[half];
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
  }

  std::array<std::uint8_t, kSize> bytes_{};
};

struct UserTag;
struct DeviceTag;
struct ConversationTag;
struct MessageTag;
struct SessionTag;

using DeviceId = Id<DeviceTag>;    // one installation of the SDK for one account
using SessionId = Id<SessionTag>;  // one connection
// Made by the sender before the message is stored or sent (a UUID, RFC 9562): the same id on every
// device, on the server, and in every retry. Never used for order.
using MessageId = Id<MessageTag>;

// A person. Derived from the handle, so that applications can compute it from their own user names.
class UserId : public Id<UserTag> {
 public:
  using Id<UserTag>::Id;
  UserId(const Id<UserTag>& id) : Id<UserTag>(id) {}  // NOLINT(implicit): same kind
  // First 16 bytes of SHA-256("kith-user:" + handle). Handles are compared as bytes.
  KITH_API static UserId of(std::string_view handle);
};

class Random;

// An id tells its type (RFC 9562): version 8 is a 1:1, version 4 a group, anything else no conversation.
class ConversationId : public Id<ConversationTag> {
 public:
  using Id<ConversationTag>::Id;
  ConversationId(const Id<ConversationTag>& id) : Id<ConversationTag>(id) {}  // NOLINT(implicit)
  // The 1:1 conversation of two people: both sides derive the same id, in any order, without asking
  // the server. First 16 bytes of SHA-256("kith-dm:" + min + max) as a UUID of version 8.
  KITH_API static ConversationId direct(const UserId& a, const UserId& b);
  // The id of a new group.
  KITH_API static ConversationId group(Random& random);

  [[nodiscard]] bool is_direct() const { return is_uuid(array(), 8); }
  [[nodiscard]] bool is_group() const { return is_uuid(array(), 4); }

 private:
  static bool is_uuid(const std::array<std::uint8_t, kSize>& bytes, unsigned version) {
    return bytes[6] >> 4 == version && bytes[8] >> 6 == 2;
  }
};

// A place in the order of one conversation: 1, 2, 3 … without holes. 0 = none (not yet placed).
struct Seq {
  std::uint64_t value = 0;
  constexpr Seq() = default;
  explicit constexpr Seq(std::uint64_t v) : value(v) {}
  explicit constexpr operator bool() const { return value != 0; }
  friend auto operator<=>(const Seq&, const Seq&) = default;
};

struct IdHash {
  template <class T>
  std::size_t operator()(const T& id) const noexcept {
    std::uint64_t h;
    // Ids are random or hashed; UUIDv7 keeps its randomness in the last 8 bytes.
    std::memcpy(&h, id.array().data() + 8, sizeof h);
    return static_cast<std::size_t>(h);
  }
  template <class A, class B>
  std::size_t operator()(const std::pair<A, B>& ids) const noexcept {
    return (*this)(ids.first) ^ (*this)(ids.second);
  }
};

}  // namespace kith

template <class Tag>
struct std::hash<kith::Id<Tag>> : kith::IdHash {};
template <>
struct std::hash<kith::UserId> : kith::IdHash {};
template <>
struct std::hash<kith::ConversationId> : kith::IdHash {};
template <>
struct std::hash<kith::Seq> {
  std::size_t operator()(const kith::Seq& s) const noexcept {
    return std::hash<std::uint64_t>{}(s.value);
  }
};
