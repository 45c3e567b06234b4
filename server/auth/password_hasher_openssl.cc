// Passwords as scrypt hashes, computed on one worker thread.
#include "server/auth/password_hasher_openssl.h"

#include <openssl/evp.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "src/hash.h"

namespace kith::server {
namespace {

// 32 MiB and about 80 ms on the machines of 2024: OWASP's advice for interactive sign-in.
constexpr std::uint64_t kN = 1U << 15;
constexpr std::uint64_t kR = 8;
constexpr std::uint64_t kP = 1;
constexpr std::uint64_t kMemoryMax = 64ULL << 20;
constexpr std::string_view kPrefix = "scrypt$15$8$1$";

std::optional<std::string> derive(const std::string& password, const std::string& salt) {
  std::string out(32, '\0');
  if (EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), kN, kR, kP,
                     kMemoryMax, reinterpret_cast<unsigned char*>(out.data()), out.size()) != 1) {
    return std::nullopt;
  }
  return out;
}

Result<std::string> make_hash(const std::string& password) {
  std::string salt(16, '\0');
  system_random().fill(salt.data(), salt.size());
  const auto key = derive(password, salt);
  if (!key) return make_error(ErrorCode::kInternal, "scrypt failed");
  return std::string(kPrefix) + base64url_encode(salt) + "$" + base64url_encode(*key);
}

Result<bool> check(const std::string& password, std::string_view stored) {
  if (stored.substr(0, kPrefix.size()) != kPrefix) return false;
  stored.remove_prefix(kPrefix.size());
  const auto dollar = stored.find('$');
  if (dollar == std::string_view::npos) return false;
  const auto salt = base64url_decode(stored.substr(0, dollar));
  const auto expected = base64url_decode(stored.substr(dollar + 1));
  if (!salt || !expected) return false;
  const auto key = derive(password, *salt);
  if (!key) return make_error(ErrorCode::kInternal, "scrypt failed");
  return constant_time_equal(*key, *expected);
}

class ScryptHasher : public PasswordHasher {
 public:
  explicit ScryptHasher(Executor& executor) : executor_(executor), pool_(1) {}
  ~ScryptHasher() override {
    *alive_ = false;
    pool_.stop();  // what waits is dropped, what runs is finished
    pool_.join();
  }

  void hash(std::string password, std::function<void(Result<std::string>)> done) override {
    enqueue<std::string>([password = std::move(password)] { return make_hash(password); },
                         std::move(done));
  }
  void verify(std::string password, std::string hash,
              std::function<void(Result<bool>)> done) override {
    enqueue<bool>(
        [password = std::move(password), hash = std::move(hash)] { return check(password, hash); },
        std::move(done));
  }

 private:
  template <class T, class Work>
  void enqueue(Work work, std::function<void(Result<T>)> done) {
    const auto answer = [this, alive = alive_, done = std::move(done)](Result<T> result) {
      executor_.post([alive, done, result = std::move(result)] {
        if (*alive) done(result);
      });
    };
    if (waiting_->load() >= limits::password_requests_max) {
      answer(make_error(ErrorCode::kOverloaded, "too many sign-ins at once", 1000));
      return;
    }
    waiting_->fetch_add(1);
    boost::asio::post(pool_, [work = std::move(work), answer, waiting = waiting_] {
      auto result = work();
      waiting->fetch_sub(1);
      answer(std::move(result));
    });
  }

  Executor& executor_;
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  std::shared_ptr<std::atomic<std::size_t>> waiting_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  boost::asio::thread_pool pool_;
};

}  // namespace

std::unique_ptr<PasswordHasher> make_scrypt_hasher(Executor& executor) {
  return std::make_unique<ScryptHasher>(executor);
}

}  // namespace kith::server
