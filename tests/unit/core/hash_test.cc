// Hashes against published vectors; base64url both ways.
#include "src/hash.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "kith/core/ids.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

std::string hex(const Sha256& hash) {
  return detail::hex(hash.data(), hash.size());
}

TEST(Hash, Sha256OfFips180Vectors) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, HmacOfRfc4231Vectors) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hash, HmacOfKeysAroundTheBlockSizeIsWhatOpensslSays) {
  for (const std::size_t size : {1U, 31U, 63U, 64U, 65U, 200U}) {
    const std::string key(size, 'k');
    const std::string text(size * 3, 't');
    Sha256 theirs{};
    ASSERT_NE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(text.data()), text.size(), theirs.data(),
                   nullptr),
              nullptr);
    EXPECT_EQ(hmac_sha256(key, text), theirs) << size;
  }
}

TEST(Hash, ThreadsDoNotShareAHash) {
  const Sha256 one = sha256("one");
  const Sha256 two = sha256("two");
  std::atomic<int> wrong = 0;
  const auto work = [&wrong](std::string_view text, const Sha256& right) {
    for (int i = 0; i < 1000; ++i) wrong += sha256(text) == right ? 0 : 1;
  };
  std::thread first(work, "one", one);
  std::thread second(work, "two", two);
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Hash, HmacOfAnEmptyKeyDoesNotReuseTheLastOne) {
  const auto fresh = hmac_sha256("", "text");
  (void)hmac_sha256("another key", "text");
  EXPECT_EQ(hmac_sha256("", "text"), fresh);
  EXPECT_EQ(hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hash, Hash16IsTheHeadOfSha256) {
  const auto h = hash16("abc");
  EXPECT_EQ(detail::hex(h.data(), h.size()), "ba7816bf8f01cfea414140de5dae2223");
}

TEST(Base64url, Rfc4648VectorsWithoutPadding) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
}

TEST(Base64url, RoundTripsEveryLength) {
  test::SeededRandom random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    random.fill(bytes.data(), size);
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
  }
}

TEST(Base64url, RefusesWhatItWouldNotWrite) {
  // Padding, white space, the other alphabet, a lone digit, stray bits: two spellings of one token
  // must not both be good.
  for (const char* text :
       {"Zg==", "Z g", "Zm9v\n", "+_8", "/w", "Z", "Zh", "Zm9", "\xc3\xa4\x41\x41"}) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
}

TEST(Hash, ConstantTimeEqualComparesEveryByte) {
  const std::string a(32, 'x');
  EXPECT_TRUE(constant_time_equal(a, std::string(32, 'x')));
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::string b = a;
    b[i] ^= 1;
    EXPECT_FALSE(constant_time_equal(a, b));
  }
  EXPECT_FALSE(constant_time_equal(a, std::string(31, 'x')));
  EXPECT_TRUE(constant_time_equal("", ""));
}

}  // namespace
}  // namespace kith
