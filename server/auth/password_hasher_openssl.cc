// Passwords as scrypt hashes, computed on worker threads.
#include "server/auth/password_hasher_openssl.h"

#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "server/auth/fair_queue.h"
#include "src/hash.h"

namespace kith::server {
namespace {

constexpr std::uint64_t kR = 8;
constexpr std::uint64_t kP = 1;
constexpr std::uint32_t kThreadsByDefault = 2;  // each takes 128 * N * r bytes while it works
constexpr std::string_view kName = "scrypt$";
constexpr std::string_view kFixed = "$8$1$";

std::optional<std::string> derive(const std::string& password, const std::string& salt,
                                  std::uint32_t cost) {
  const std::uint64_t n = 1ULL << cost;
  const std::uint64_t memory_max = 2 * 128 * n * kR;  // OpenSSL wants a little more than 128 N r
  std::string out(32, '\0');
  if (EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), n, kR, kP,
                     memory_max, reinterpret_cast<unsigned char*>(out.data()), out.size()) != 1) {
    return std::nullopt;
  }
  return out;
}

// Takes "scrypt$COST$8$1$" off the front of `stored`; nothing if it does not begin so.
std::optional<std::uint32_t> take_cost(std::string_view& stored) {
  if (stored.substr(0, kName.size()) != kName) return std::nullopt;
  stored.remove_prefix(kName.size());
  std::uint32_t cost = 0;
  const auto [end, error] = std::from_chars(stored.data(), stored.data() + stored.size(), cost);
  if (error != std::errc()) return std::nullopt;
  stored.remove_prefix(static_cast<std::size_t>(end - stored.data()));
  if (stored.substr(0, kFixed.size()) != kFixed) return std::nullopt;
  stored.remove_prefix(kFixed.size());
  if (cost < limits::password_cost_min || cost > limits::password_cost_max) return std::nullopt;
  return cost;
}

Result<std::string> make_hash(const std::string& password, std::uint32_t cost) {
  std::string salt(16, '\0');
  system_random().fill(salt.data(), salt.size());
  const auto key = derive(password, salt, cost);
  if (!key) return make_error(ErrorCode::kInternal, "scrypt failed");
  return std::string(kName) + std::to_string(cost) + std::string(kFixed) + base64url_encode(salt) +
         "$" + base64url_encode(*key);
}

Result<bool> check(const std::string& password, std::string_view stored) {
  const auto cost = take_cost(stored);
  if (!cost) return false;
  const auto dollar = stored.find('$');
  if (dollar == std::string_view::npos) return false;
  const auto salt = base64url_decode(stored.substr(0, dollar));
  const auto expected = base64url_decode(stored.substr(dollar + 1));
  if (!salt || !expected) return false;
  const auto key = derive(password, *salt, *cost);
  if (!key) return make_error(ErrorCode::kInternal, "scrypt failed");
  return constant_time_equal(*key, *expected);
}

std::size_t thread_count(std::uint32_t wanted) {
  if (wanted != 0) return wanted;
  return std::clamp<std::uint32_t>(std::thread::hardware_concurrency(), 1, kThreadsByDefault);
}

class ScryptHasher : public PasswordHasher {
 public:
  ScryptHasher(Executor& executor, ScryptOptions options)
      : executor_(executor),
        cost_(options.cost),
        of_one_max_(std::max<std::size_t>(2, thread_count(options.threads)) - 1),
        pool_(thread_count(options.threads)) {}
  ~ScryptHasher() override {
    *alive_ = false;
    pool_.stop();  // waiting requests are dropped, running ones finish
    pool_.join();
  }

  void hash(const Turn& turn, std::string password, Done<std::string> done) override {
    enqueue<std::string>(
        turn, [password = std::move(password), cost = cost_] { return make_hash(password, cost); },
        std::move(done));
  }
  void verify(const Turn& turn, std::string password, std::string hash, Done<bool> done) override {
    enqueue<bool>(
        turn,
        [password = std::move(password), hash = std::move(hash)] { return check(password, hash); },
        std::move(done));
  }

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> refuse;
  };

  template <class T, class Work>
  void enqueue(const Turn& turn, Work work, Done<T> done) {
    const auto answer = [this, alive = alive_, done = std::move(done)](Result<T> result) {
      executor_.post([alive, done, result = std::move(result)] {
        if (*alive) done(result);
      });
    };
    Job job{[work = std::move(work), answer] { answer(work()); },
            [answer] {
              answer(make_error(ErrorCode::kOverloaded, "too many sign-ins at once", 1000));
            }};
    std::optional<Job> left_out;
    {
      const std::lock_guard lock(mutex_);
      left_out = waiting_.push(turn, std::move(job));
    }
    if (left_out) left_out->refuse();
    boost::asio::post(pool_, [this] { work_off(); });
  }

  // Works while there is a request that may run: one address never has all threads, so that others begin at once.
  void work_off() {
    while (auto next = take()) {
      next->item.work();
      const std::lock_guard lock(mutex_);
      const auto busy = running_.find(next->turn.address);
      if (--busy->second == 0) running_.erase(busy);
    }
  }
  std::optional<FairQueue<Job>::Next> take() {
    const std::lock_guard lock(mutex_);
    if (!*alive_) return std::nullopt;
    auto next = waiting_.pop([&](std::uint64_t address) {
      const auto busy = running_.find(address);
      return busy == running_.end() || busy->second < of_one_max_;
    });
    if (next) ++running_[next->turn.address];
    return next;
  }

  Executor& executor_;
  const std::uint32_t cost_;
  const std::size_t of_one_max_;  // threads
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> running_;  // by address
  FairQueue<Job> waiting_{limits::password_requests_max, limits::password_requests_of_one_max};
  boost::asio::thread_pool pool_;
};

}  // namespace

std::unique_ptr<PasswordHasher> make_scrypt_hasher(Executor& executor, ScryptOptions options) {
  return std::make_unique<ScryptHasher>(executor, options);
}

}  // namespace kith::server
