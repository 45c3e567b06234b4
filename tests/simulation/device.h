// A simulated device: flash that survives, a client process that does not.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/engine.h"
#include "tests/simulation/cache_disk.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/network.h"
#include "tests/simulation/password_sign_in.h"
#include "tests/simulation/rules.h"

namespace kith::sim {

class DeviceWatch {
 public:
  virtual ~DeviceWatch() = default;
  virtual void cached(const Who& who, const client::CacheChange& change) = 0;
  virtual void told(const Who& who, const client::Event& event) = 0;
  virtual void rolled_back(const Who& who) = 0;
  virtual void dealt_with(const Who& who, const client::Message& message) = 0;
};

class Device : private client::TransportFactory {
 public:
  Device(VirtualTime& time, Network& network, Trace& trace, DeviceWatch& watch, Who who,
         std::string handle, std::uint64_t seed, Rule broken);
  ~Device() override;

  // Does nothing while it runs; returns false if the disk failed.
  bool start();
  // kill -9; with the power, the tail of the cache may be gone too.
  void crash(bool power_loss);
  [[nodiscard]] client::Engine* engine() { return engine_.get(); }
  [[nodiscard]] const Who& who() const { return who_; }
  [[nodiscard]] const std::string& handle() const { return handle_; }
  [[nodiscard]] CacheDisk& disk() { return disk_; }
  [[nodiscard]] Node& node() { return node_; }
  // Its process was killed inside a commit and has to be taken away.
  [[nodiscard]] bool dying() const { return store_ && store_->dead(); }

  CacheFaults faults;
  bool wants_online = true;  // the application called connect()
  // From the next start on it signs in with the password of this account, not with tokens of the host.
  void use_password(Credentials* account) { account_ = account; }
  [[nodiscard]] Credentials* account() { return account_; }
  // From the next start on.
  void acknowledge_by_hand() { who_.by_hand = true; }
  // The server has given it another token.
  void keep_token(const std::string& token) { kept_token_ = token; }

 private:
  class BrokenStore;
  std::unique_ptr<client::Transport> open(const client::Endpoint&,
                                          client::TransportListener& listener) override {
    return network_.open(who_.device, listener);
  }
  void committed(const client::CacheChange& change);
  void provide_token(std::function<void(Result<std::string>)> done);
  void heard(const client::Event& event);
  // Its application processes waiting messages and acknowledges them. Returns false if some are left.
  bool deal();
  void deal_soon();

  Network& network_;
  Trace& trace_;
  DeviceWatch& watch_;
  Who who_;
  const std::string handle_;
  const Rule broken_;
  Node node_;
  SeededRandom random_;
  SeededRandom application_;
  bool dealing_ = false;
  CacheDisk disk_;
  std::unique_ptr<CacheStoreOnDisk> store_;
  std::unique_ptr<client::CacheStore> spoiled_;  // around it, when a rule is broken on purpose
  std::unique_ptr<client::Engine> engine_;
  Credentials* account_ = nullptr;
  std::string kept_token_;  // survives the process, as in the application's own store
  bool token_offered_ = false;
  std::size_t refused_ = 0;  // times that it was signed out since it was online
  std::unique_ptr<PasswordSignIn> sign_in_;
};

}  // namespace kith::sim
