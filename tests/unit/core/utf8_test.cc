// Text is distinguished from bytes.
#include "src/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace kith {
namespace {

// The definition, independent of the table: encode every scalar value.
std::string encode(std::uint32_t c) {
  std::string out;
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3f)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (c >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | (c >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
  return out;
}

TEST(Utf8, EveryScalarValueIsTextAndSurrogatesAreNot) {
  for (std::uint32_t c = 0; c < 0x120000; ++c) {
    const bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    ASSERT_EQ(is_utf8(encode(c)), scalar) << c;
  }
}

TEST(Utf8, TruncatedOverlongAndStrayBytesAreNotText) {
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc3", "\xe2\x82",
        "\xf0\x9f\x98", "\xff", "a\xfe", "\xc3(", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("Grüße \xf0\x9f\x98\x80"));
}

TEST(Utf8, WhatIsNotAsciiIsSeenAtEveryPlace) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string plain(size, 'x');
    EXPECT_TRUE(is_utf8(plain));
    for (std::size_t at = 0; at <= size; ++at) {
      EXPECT_TRUE(is_utf8(std::string(plain).insert(at, "\u00e9"))) << at;
      EXPECT_FALSE(is_utf8(std::string(plain).insert(at, "\xc3"))) << at;
      EXPECT_FALSE(is_utf8(std::string(plain).insert(at, "\xff"))) << at;
    }
  }
}

TEST(Utf8, PrefixEndsBetweenTwoCharacters) {
  const std::string text = "a\u00e9\u20ac\U0001f600z";  // 1, 2, 3, 4 and 1 bytes
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t bytes = 0; bytes < std::size(ends); ++bytes) {
    EXPECT_EQ(utf8_prefix(text, bytes), text.substr(0, ends[bytes])) << bytes;
  }
}

}  // namespace
}  // namespace kith
