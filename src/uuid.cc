// UUIDs. Version 7: 48 bits of milliseconds, a 12-bit counter seeded at random each millisecond, 62 random
// bits.
#include "src/uuid.h"

#include <algorithm>
#include <array>

namespace kith {
namespace {

constexpr std::int64_t kMaxMs = (std::int64_t{1} << 48) - 1;

MessageId assemble(std::int64_t ms, std::uint32_t counter, Random& random) {
  std::array<std::uint8_t, 16> b{};
  for (int i = 0; i < 6; ++i) b[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  random.fill(b.data() + 8, 8);
  b[6] = static_cast<std::uint8_t>(0x70 | (counter >> 8));  // version 7
  b[7] = static_cast<std::uint8_t>(counter);
  b[8] = static_cast<std::uint8_t>(0x80 | (b[8] & 0x3f));  // variant of RFC 9562
  return MessageId(b);
}

}  // namespace

MessageId random_uuid(Random& random) {
  std::array<std::uint8_t, 16> b{};
  random.fill(b.data(), b.size());
  b[6] = static_cast<std::uint8_t>(0x40 | (b[6] & 0x0f));  // version 4
  b[8] = static_cast<std::uint8_t>(0x80 | (b[8] & 0x3f));  // variant of RFC 9562
  return MessageId(b);
}

MessageId UuidGenerator::next() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = std::clamp<std::int64_t>(clock_.wall().ms, 0, kMaxMs);
  if (now > last_ms_) {
    last_ms_ = now;
    counter_ = static_cast<std::uint32_t>(random_.below(1U << 11));  // half the range stays free
  } else if (++counter_ > 0xfff) {
    // More than the counter holds in one millisecond: borrow the next one rather than repeat or
    // descend.
    last_ms_ = std::min(last_ms_ + 1, kMaxMs);
    counter_ = 0;
  }
  return assemble(last_ms_, counter_, random_);
}

std::optional<std::int64_t> uuid_timestamp_ms(const MessageId& id) {
  const auto& b = id.array();
  if ((b[6] >> 4) != 7 || (b[8] >> 6) != 2) return std::nullopt;
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = (ms << 8) | b[i];
  return ms;
}

}  // namespace kith
