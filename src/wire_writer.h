// WireWriter appends protobuf fields to a string, byte for byte as the generated code does if fields are written in
// ascending order; zero and empty fields are left out. A nested message is opened and closed, whatever its size.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith {

class WireWriter {
 public:
  // Appends to `out`, which must outlive it.
  explicit WireWriter(std::string& out) : out_(out) {}

  void number(int field, std::uint64_t value) {
    if (value == 0) return;
    varint(tag(field, 0));
    varint(value);
  }
  void bytes(int field, std::string_view value) {
    if (!value.empty()) another(field, value);
  }
  // The same for a repeated field, where an empty element counts.
  void another(int field, std::string_view value) {
    varint(tag(field, 2));
    varint(value.size());
    out_.append(value);
  }
  // Returns the place where the message begins, for close().
  [[nodiscard]] std::size_t open(int field) {
    varint(tag(field, 2));
    out_.push_back('\0');  // its length, if that is small
    return out_.size();
  }
  void close(std::size_t begin) {
    std::size_t size = out_.size() - begin;
    if (size < 0x80) {
      out_[begin - 1] = static_cast<char>(size);
      return;
    }
    std::array<char, kVarintMax> length{};
    const std::size_t used = encode(size, length);
    out_.replace(begin - 1, 1, length.data(), used);
  }

 private:
  static constexpr std::size_t kVarintMax = 10;

  static std::uint64_t tag(int field, int type) {
    return static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(type);
  }
  static std::size_t encode(std::uint64_t value, std::array<char, kVarintMax>& bytes) {
    std::size_t used = 0;
    for (; value >= 0x80; value >>= 7) bytes[used++] = static_cast<char>(value | 0x80);
    bytes[used++] = static_cast<char>(value);
    return used;
  }
  void varint(std::uint64_t value) {
    if (value < 0x80) return out_.push_back(static_cast<char>(value));
    std::array<char, kVarintMax> bytes{};
    out_.append(bytes.data(), encode(value, bytes));
  }

  std::string& out_;
};

}  // namespace kith
