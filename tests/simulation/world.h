// World: a server, devices and the network between them in one thread, in virtual time, and the
// checkers that see everything. One seed, one run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/records/partition.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/device.h"
#include "tests/simulation/network.h"
#include "tests/simulation/refusals.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/server_node.h"
#include "tests/simulation/trace.h"

namespace kith::sim {

class World : public NetworkWatch, public PortsWatch, public DeviceWatch {
 public:
  // `devices_of[u]`: how many devices user u has. `partitions`: of the server's conversations. `others_seed`: chance
  // of the devices of all users but the first; unset: the same seed. `homes`: of users.
  World(std::uint64_t seed, const std::vector<int>& devices_of, Rule broken,
        std::uint32_t partitions = 1, std::optional<std::uint64_t> others_seed = std::nullopt,
        std::uint32_t homes = 1);
  ~World() override;

  // Runs until `until` (virtual ms), or until a rule is broken. False: one is.
  bool run_until(std::int64_t until);
  [[nodiscard]] std::int64_t now() const { return time_.now(); }
  // A task of the outside world: people, faults.
  void at(std::int64_t when, std::function<void()> task) {
    time_.at(when, kOutside, std::move(task));
  }

  // A process ends: somebody may start it again.
  void on_device_died(std::function<void(Device&)> then) { device_died_ = std::move(then); }
  void on_server_died(std::function<void()> then) { server_died_ = std::move(then); }
  // Called after every step of the run; at most one.
  void after_each_step(std::function<void()> then) { stepped_ = std::move(then); }
  // Hears every frame that the server says to a device.
  using Overheard = std::function<void(std::size_t device, std::string_view frame)>;
  void overhear(Overheard heard) { overheard_ = std::move(heard); }
  // The server's process is killed after that many more steps; negative: not.
  void crash_server_after(int steps) { server_steps_left_ = steps; }
  // The same, counted from when the directory has next changed somebody; negative: not.
  void crash_server_after_change(int steps) { steps_after_change_ = steps; }

  // Adds a checker to those of every run.
  void watch_with(std::unique_ptr<Checker> checker) { checkers_.push_back(std::move(checker)); }

  // Somebody who is no device of anybody's: only what they may ask is judged. Answers their number in the
  // network.
  std::size_t add_stranger(const std::string& handle);

  // A copy takes the server's place; the checkers' events then belong to another history.
  void restore(const ServerDisks::Copy& copy);

  // The actions of people.
  Result<MessageId> send(Device& device, const ConversationId& to, const std::string& text,
                         const MessageId& reply_to);
  void discard(Device& device, const MessageId& id);
  void search(Device& device, const std::string& word, const std::string& after,
              client::Done<client::SearchPage> done);
  void found_all(Device& device, const std::string& word,
                 const std::vector<client::Message>& messages);

  // The application of this device acknowledges by hand; before it starts.
  void acknowledge_by_hand(std::size_t device);
  // The user's account is one of the server's own from the beginning, with a password.
  void give_password(std::size_t user);
  void change_password(Device& device, const std::string& fresh);
  void delete_account(Device& device);
  // The operator does it.
  void set_password(Device& of, const std::string& fresh);
  void remove_account(const UserId& user);

  // True when nothing is left to do: everybody is online and up to date. Else `why` says what is
  // missing.
  bool settled(std::string* why);
  void check_at_rest();

  [[nodiscard]] Network& network() { return network_; }
  // The server, or the first home of it.
  [[nodiscard]] ServerNode& server() { return *servers_.front(); }
  // All homes.
  [[nodiscard]] const std::vector<std::unique_ptr<ServerNode>>& servers() { return servers_; }
  [[nodiscard]] ServerNode& home_of(const UserId& user) {
    return *servers_[server::partition_of(user, static_cast<std::uint32_t>(servers_.size()))];
  }
  [[nodiscard]] std::vector<std::unique_ptr<Device>>& devices() { return devices_; }
  [[nodiscard]] std::size_t users() const { return users_; }
  static std::string handle_of(std::size_t user) { return "user" + std::to_string(user); }
  static UserId user_of(std::size_t user) { return UserId::of(handle_of(user)); }
  [[nodiscard]] VirtualTime& time() { return time_; }
  [[nodiscard]] Trace& trace() { return trace_; }
  [[nodiscard]] Findings& findings() { return findings_; }
  [[nodiscard]] const Truth& truth() const { return truth_; }
  void processes_stand_still(std::int64_t ms) { truth_.stands_still_ms = ms; }
  [[nodiscard]] std::uint64_t steps() const { return time_.steps(); }
  // Bytes that went between the server and all devices.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Commands that the server refused because its store is behind.
  [[nodiscard]] std::uint64_t overloaded() const { return overloaded_; }
  struct Attempt {
    std::size_t device;
    std::int64_t at;
  };
  // Every attempt to connect, in order.
  [[nodiscard]] const std::vector<Attempt>& attempts() const { return attempts_; }

 private:
  void connects(std::size_t device) override;
  void falls_silent(std::size_t device) override;
  void server_says(std::size_t device, std::string_view frame) override;
  void device_says(std::size_t device, std::string_view frame) override;
  void server_hears(std::size_t device, std::string_view frame) override;
  void started(const server::Home& home, const server::ServerOptions& options) override;
  void logged(std::uint32_t partition, const server::LogEntry& entry) override;
  void applied(std::uint32_t partition, const server::StoreBatch& batch) override;
  void user_changed(const UserId& user) override;
  void user_removed(const UserId& user) override;
  void published(const DeviceId& to, const std::string& frame) override;
  void indexed(const server::IndexBatch& batch) override;
  void session_enters(const server::SessionRef& session) override;
  void session_entered(const server::SessionRef& session) override;
  void session_left(const server::SessionRef& session) override;
  void sessions_lost(const server::Home& home) override;
  void bus_lost(const server::Home& home) override;
  void cached(const Who& who, const client::CacheChange& change) override;
  void told(const Who& who, const client::Event& event) override;
  void rolled_back(const Who& who) override;
  void dealt_with(const Who& who, const client::Message& message) override;

  bool engines_settled(std::string* why) const;
  void end_the_dying();
  void of_session(const server::SessionRef& session,
                  void (Checker::*hook)(const Who&, std::uint64_t), const char* what);
  void refused_before(const Who& who, const client::CacheChange& change);
  // The frame as a server would send it whose refusals tell why.
  [[nodiscard]] std::string tell_why(Rule how, std::size_t device, std::string_view bytes) const;

  static constexpr std::uint64_t kOutside = 2;
  static constexpr std::int64_t kApplyLimitMs = 30'000;
  static constexpr std::int64_t kIndexLimitMs =
      300'000;  // longer than an index waits before it is made anew
  VirtualTime time_;
  Trace trace_;
  Findings findings_;
  SeededRandom weather_;
  Network network_;
  ServerDisks disks_;
  std::vector<std::unique_ptr<ServerNode>> servers_;
  std::size_t users_;
  std::vector<Who> who_;
  std::map<std::size_t, Who> strangers_;
  std::map<std::size_t, Credentials> credentials_;
  std::vector<std::unique_ptr<Device>> devices_;
  bool restored_ = false;
  std::set<std::size_t> of_old_;  // devices that hold the history before the restore
  Refusals refusals_;             // of that history
  std::set<UserId> hid_reads_;    // at some time: misses what others read meanwhile
  std::map<std::uint32_t, std::int64_t> logged_at_;  // by partition
  std::uint64_t bytes_ = 0;
  std::uint64_t overloaded_ = 0;
  std::set<std::pair<std::size_t, std::uint64_t>> searches_;  // not answered: device and request
  std::vector<Attempt> attempts_;
  std::function<void(Device&)> device_died_;
  std::function<void()> server_died_;
  std::function<void()> stepped_;
  Overheard overheard_;
  int server_steps_left_ = -1;
  int steps_after_change_ = -1;
  Truth truth_;
  Checkers checkers_;
};

}  // namespace kith::sim
