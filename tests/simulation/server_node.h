// The simulated server machine: disks that survive, a process that does not.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/server_core.h"
#include "tests/simulation/network.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/watched_ports.h"

namespace kith::sim {

class ServerNode {
 public:
  ServerNode(VirtualTime& time, Network& network, Trace& trace, PortsWatch& watch,
             std::uint64_t seed, Rule broken);
  ~ServerNode();

  // The form in which the server keeps a password.
  static std::string hash_of(const std::string& password) { return "hash of " + password; }

  // Returns false if it could not start (a read error of its disks); try again.
  bool start();
  void crash();
  [[nodiscard]] bool running() const { return core_ != nullptr; }
  // Distinguishes one process from the next.
  [[nodiscard]] std::uint64_t starts() const { return starts_; }

  // A planned end: sessions are ended within `window`, then the process exits; `ended` follows.
  void drain(Millis window, std::function<void()> ended);
  // The registry loses its sessions.
  void forget_sessions();
  [[nodiscard]] server::ServerCore* core() { return core_.get(); }
  [[nodiscard]] Node& node() { return node_; }

  // The content of a backup, and a start on it. The process that runs is killed.
  struct Copy {
    server::CommandLogMemory::Disk log;
    server::ConversationStoreMemory::Disk store;
    server::FeedStoreMemory::Disk feeds;
    server::DirectoryMemory::Disk directory;
    server::SearchIndexMemory::Disk index;
    std::vector<server::Run> runs;
  };
  [[nodiscard]] Copy copy() const;
  void restore(const Copy& copy);

  // The knobs of the faults.
  server::CommandLogMemory::Disk& log_disk() { return *log_disk_; }
  server::ConversationStoreMemory::Disk& store_disk() { return *store_disk_; }
  server::FeedStoreMemory::Disk& feed_disk() { return *feed_disk_; }
  server::DirectoryMemory::Disk& directory_disk() { return *directory_disk_; }
  server::SearchIndexMemory::Disk& index_disk() { return *index_disk_; }
  double bus_loss = 0;
  std::int64_t bus_delay_max = 0;
  bool bus_says_loss = false;
  std::int64_t registry_delay_max = 0;
  double registry_fails = 0;
  bool log_keeps_all = false;
  Millis token_life{0};  // 0: tokens do not end
  std::size_t send_queue_hard_bytes = limits::send_queue_hard_bytes;
  server::LagMarks marks;  // these two from the next start on
  server::IndexStep index_step;
  std::uint32_t account_commands_per_s = limits::account_commands_per_s;
  std::uint32_t account_commands_burst = limits::account_commands_burst;
  std::uint64_t rows_read() const {
    return ports_ ? ports_->store.rows_read + ports_->feeds.rows_read : 0;
  }
  // Applies the above to a running process.
  void tune();

 private:
  struct Passwords;
  struct Tokens;
  struct Ports {
    Ports(ServerNode& owner, PortsWatch& watch);
    WatchedLog log;
    WatchedStore store;
    WatchedFeeds feeds;
    WatchedDirectory directory;
    WatchedRegistry registry;
    WatchedBus bus;
    WatchedIndex index;
  };

  VirtualTime& time_;
  Network& network_;
  Trace& trace_;
  PortsWatch& watch_;
  Rule broken_;
  Node node_;
  SeededRandom random_;       // of the server itself
  SeededRandom port_random_;  // of faults at its ports
  std::shared_ptr<server::CommandLogMemory::Disk> log_disk_;
  std::shared_ptr<server::ConversationStoreMemory::Disk> store_disk_;
  std::shared_ptr<server::FeedStoreMemory::Disk> feed_disk_;
  std::shared_ptr<server::DirectoryMemory::Disk> directory_disk_;
  std::shared_ptr<server::SearchIndexMemory::Disk> index_disk_;
  std::unique_ptr<Passwords> passwords_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<server::ServerCore> core_;
  std::uint64_t starts_ = 0;
  bool copied_ = false;
  std::vector<server::Run> runs_;  // survives, as the file of the embedded server does
  std::optional<server::RunHistory> history_;
};

}  // namespace kith::sim
