// WireReader walks the fields of a protobuf message in its usual encoding: each tag in one byte, no field twice that
// is not repeated. Another encoding is no error; the generated code reads it.
#pragma once

#include <cstdint>
#include <string_view>

namespace kith {

class WireReader {
 public:
  static constexpr std::uint8_t number_tag(int field) {
    return static_cast<std::uint8_t>(field << 3);
  }
  static constexpr std::uint8_t bytes_tag(int field) {
    return static_cast<std::uint8_t>(field << 3 | 2);
  }

  explicit WireReader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // Moves to the next field; returns false at the end, and for an unusual encoding.
  bool next() {
    if (at_ == end_) return false;
    tag_ = static_cast<std::uint8_t>(*at_++);
    return true;
  }
  [[nodiscard]] std::uint8_t tag() const { return tag_; }
  // Returns the value of the field, which must be the first of its number.
  void number(std::uint64_t& value) { once() && varint(value, kNumberBytes); }
  void bytes(std::string_view& value) { once() && taken(value); }
  // The same for a repeated field.
  void another(std::string_view& value) { taken(value); }

  // True if the whole message was read.
  [[nodiscard]] bool done() const { return usual_ && at_ == end_; }

 private:
  // One byte less than the longest varint, which may hold more than 64 bits.
  static constexpr int kNumberBytes = 9;
  static constexpr int kLengthBytes = 3;  // of a frame

  bool unusual() {
    usual_ = false;
    at_ = end_;
    return false;
  }
  bool once() {
    const std::uint32_t bit = 1U << (tag_ >> 3);
    if ((seen_ & bit) != 0) return unusual();
    seen_ |= bit;
    return true;
  }
  bool varint(std::uint64_t& value, int bytes_max) {
    std::uint64_t read = 0;
    for (int i = 0; i < bytes_max && at_ != end_; ++i) {
      const auto byte = static_cast<std::uint8_t>(*at_++);
      read |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if (byte < 0x80) {
        value = read;
        return true;
      }
    }
    return unusual();
  }
  bool taken(std::string_view& value) {
    std::uint64_t size = 0;
    if (!varint(size, kLengthBytes)) return false;
    if (size > static_cast<std::uint64_t>(end_ - at_)) return unusual();
    value = {at_, static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  const char* at_;
  const char* end_;
  std::uint32_t seen_ = 0;
  std::uint8_t tag_ = 0;
  bool usual_ = true;
};

}  // namespace kith
