// Hashes by OpenSSL's EVP interface; base64url by hand, because OpenSSL only knows the padded
// alphabet.
#include "src/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace kith {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Value of a base64url digit, or 64.
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(64);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

// HMAC of RFC 2104, composed here: OpenSSL's own looks up both algorithms by name and makes
// four objects for each call, which costs many times as much as the hash.
constexpr std::size_t kBlockBytes = 64;
constexpr int kInnerPad = 0x36;
constexpr int kOuterPad = 0x5c;

// Looked up once per process, not for each hash. Null if the algorithm does not exist.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const kFetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kFetched;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Hashes the concatenation of two pieces.
Sha256 digest(std::string_view first, std::string_view second) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> kContext(EVP_MD_CTX_new());
  EVP_MD_CTX* const context = kContext.get();
  Sha256 out{};
  // Fails only without a provider for SHA-256; this process could then compute no id and no token.
  if (context == nullptr || EVP_DigestInit_ex(context, sha256_algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context, first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(context, second.data(), second.size()) != 1 ||
      EVP_DigestFinal_ex(context, out.data(), nullptr) != 1) {
    std::abort();
  }
  return out;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  return digest(bytes, {});
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<char, kBlockBytes> block{};
  if (key.size() > block.size()) {
    const Sha256 shorter = sha256(key);
    std::copy(shorter.begin(), shorter.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  const std::string_view padded(block.data(), block.size());
  for (char& c : block) c = static_cast<char>(c ^ kInnerPad);
  const Sha256 inner = digest(padded, bytes);
  for (char& c : block) c = static_cast<char>(c ^ kInnerPad ^ kOuterPad);
  const Sha256 out = digest(padded, view(inner));
  OPENSSL_cleanse(block.data(), block.size());
  return out;
}

Hash16 hash16(std::string_view bytes) {
  const Sha256 full = sha256(bytes);
  Hash16 out{};
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(kAlphabet[(bits >> held) & 63]);
    }
  }
  if (held > 0) out.push_back(kAlphabet[(bits << (6 - held)) & 63]);
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == 64) return std::nullopt;
    bits = ((bits << 6) | digit) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>((bits >> held) & 0xff));
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace kith
