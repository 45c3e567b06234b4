// Checker: the events that a rule of Kith may watch, and the report that it was broken. One small
// class per family of rules in checkers/; the numbers are those of docs/delivery.md's list of
// invariants.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cache_store.h"
#include "client/engine.h"
#include "kith/client/types.h"
#include "kith/v1/frame.pb.h"
#include "server/users/home.h"
#include "tests/simulation/cache_disk.h"
#include "tests/simulation/joined_maps.h"
#include "tests/simulation/server_disks.h"

namespace kith::sim {

struct Violation {
  int invariant = 0;
  std::string what;
};

// The first broken rule of a run; later ones may be consequences.
class Findings {
 public:
  void broken(int invariant, const std::string& what) {
    if (!first_ && judging_) first_ = Violation{invariant, what};
  }
  // Frames that come meanwhile belong to the history.
  void pause(bool paused) { judging_ = !paused; }
  // Stops reporting: further changes of the run break its rules on purpose.
  void stop_judging() { judging_ = false; }
  [[nodiscard]] const std::optional<Violation>& first() const { return first_; }

 private:
  std::optional<Violation> first_;
  bool judging_ = true;
};

// A device as the checkers know it.
struct Who {
  std::size_t device = 0;  // number in the run
  UserId user;
  std::string name;      // for people
  bool by_hand = false;  // its application acknowledges by hand
};

// A message that the application of a device passed to send().
struct Sent {
  MessageId id;
  ConversationId conversation;
  std::string text;
  MessageId reply_to;
};

// A place in one of the server's logs. Positions are comparable within a partition only.
struct LogPlace {
  std::uint32_t partition = 0;
  server::Position position = 0;
  friend auto operator<=>(const LogPlace&, const LogPlace&) = default;
};

// The truth: the server's disks and the devices'.
struct Truth {
  using Store = PartitionDisks::Store;

  const ServerDisks& disks;
  const server::DirectoryMemory::Disk& directory;
  const server::SearchIndexMemory::Disk& index;
  const std::vector<Who>& devices;
  std::function<const CacheDisk&(std::size_t device)> disk;
  std::function<client::Engine*(std::size_t device)> engine;  // null while it is down
  std::function<std::int64_t()> now;
  std::function<bool()> restored;  // the server was set back to an older copy of its data
  // The clocks of this device and of the server were both set in this run.
  std::function<bool(std::size_t device)> clocks_were_set;
  // A process of the server may stand still for so long, and go on then with what it was asked before.
  std::int64_t stands_still_ms = 0;

  [[nodiscard]] const Store& store(std::uint32_t partition) const { return disks.store(partition); }
  // The store in which the conversation lies, if it is stored at all.
  [[nodiscard]] const Store& store_of(const ConversationId& id) const { return disks.store_of(id); }
  // All events and members that are stored, by conversation.
  [[nodiscard]] auto events() const { return all(&Store::events); }
  [[nodiscard]] auto members() const { return all(&Store::members); }

  // Present and former ones of a user.
  [[nodiscard]] std::vector<ConversationId> conversations_of(const UserId& user) const {
    std::vector<ConversationId> found;
    for (const auto& [id, members] : this->members()) {
      if (members.contains(user)) found.push_back(id);
    }
    return found;
  }
  // The newest version under which the user's feed names the conversation.
  [[nodiscard]] server::FeedVersion feed_version(const UserId& user,
                                                 const ConversationId& id) const {
    server::FeedVersion newest = 0;
    const auto& feeds = disks.feeds_of(user);
    if (const auto of = feeds.entries.find(user); of != feeds.entries.end()) {
      if (const auto row = of->second.find(id); row != of->second.end()) newest = row->second.ver;
    }
    const auto group = feeds.groups.find(id);
    return group == feeds.groups.end() ? newest : std::max(newest, group->second);
  }
  // Whether the device is one of a user of the home; strangers are of all.
  [[nodiscard]] bool of_home(std::size_t device, const server::Home& home) const {
    return device >= devices.size() || home.has(devices[device].user);
  }
  // The account was deleted.
  [[nodiscard]] bool gone(const UserId& user) const {
    const auto it = directory.accounts.find(user);
    return it != directory.accounts.end() &&
           it->second.life != server::DirectoryMemory::Account::Life::kActive;
  }

 private:
  template <class Map>
  [[nodiscard]] JoinedMaps<Map> all(Map Store::*part) const {
    std::vector<const Map*> maps;
    for (const PartitionDisks& partition : disks.partitions()) {
      maps.push_back(&((*partition.store).*part));
    }
    return JoinedMaps<Map>(std::move(maps));
  }
};

// The budget of an account, as a home of the server got it at its start.
struct Budget {
  std::int64_t per_s = 0;
  std::int64_t burst = 0;
  server::Home home{};  // of these users
};

class Checker {
 public:
  Checker(const Truth& truth, Findings& findings) : truth_(truth), findings_(findings) {}
  virtual ~Checker() = default;

  // A device opens a new connection; its earlier requests go with the old one.
  virtual void connects(const Who&) {}
  // The connections of a device are half-open: no frame that it sends on them arrives.
  virtual void falls_silent(const Who&) {}
  // A device sends a frame to the server.
  virtual void asks(const Who&, const v1::ClientFrame&) {}
  // The server's process reads it. Also called for strangers, whom no other hook reports.
  virtual void hears(const Who&, const v1::ClientFrame&) {}
  // A frame leaves the server for a device or a stranger.
  virtual void answered(const Who&, const v1::ServerFrame&) {}
  virtual void server_starts(const Budget&) {}
  // A frame leaves the server for a device.
  virtual void server_says(const Who&, const v1::ServerFrame&) {}
  // The services hand a frame over for the sessions of a device: earlier than server_says().
  virtual void published(const Who&, const v1::ServerFrame&) {}
  // The gateway adds this session of the device to the registry, which then has it, until it is removed.
  virtual void enters(const Who&, std::uint64_t /*session*/) {}
  virtual void entered(const Who&, std::uint64_t /*session*/) {}
  virtual void left(const Who&, std::uint64_t /*session*/) {}
  // The registry has lost all sessions.
  virtual void registry_lost(const server::Home&) {}
  // The bus says that it has lost deliveries.
  virtual void bus_lost(const server::Home&) {}
  // The run goes on with this message in its history.
  virtual void durable(const MessageId&) {}
  // And: this message was rejected before, whenever its sender gets that answer.
  virtual void refused(const MessageId&) {}
  // And: this record, which may not be applied yet.
  virtual void logged_before(std::uint32_t partition, const server::LogEntry& entry) {
    logged(partition, entry);
  }
  // A record is durable in the log of a partition.
  virtual void logged(std::uint32_t /*partition*/, const server::LogEntry&) {}
  // A batch is on the disk of the partition's store.
  virtual void applied(std::uint32_t /*partition*/, const server::StoreBatch&) {}
  // The directory has changed a user.
  virtual void user_changed(const UserId&) {}
  // The directory has removed a user for good.
  virtual void user_removed(const UserId&) {}
  // The search index gets a batch.
  virtual void indexed(const server::IndexBatch&) {}
  // A change is on a device's disk.
  virtual void cached(const Who&, const client::CacheChange&) {}
  // The application of a device gets an event.
  virtual void told(const Who&, const client::Event&) {}
  // The application of a device has processed a message.
  virtual void dealt_with(const Who&, const ConversationId&, std::uint64_t /*seq*/) {}
  // send() has answered with an id.
  virtual void accepted(const Who&, const Sent&) {}
  // The application has discarded a failed message.
  virtual void discarded(const Who&, const MessageId&) {}
  // A search of a device was answered.
  virtual void found(const Who&, const std::string& /*word*/, const client::SearchPage&) {}
  // At rest, all pages of a search together.
  virtual void found_all(const Who&, const std::string& /*word*/,
                         const std::vector<client::Message>&) {}
  // A device lost the unsynced tail of its cache.
  virtual void rolled_back(const Who&) {}
  // A device has deleted its data, because the server's history is another one.
  virtual void forgot_history(const Who& who) { rolled_back(who); }
  // Faults are over and everything has settled.
  virtual void at_rest() {}

 protected:
  void broken(int invariant, const std::string& what) { findings_.broken(invariant, what); }
  static std::string short_id(const std::string& hex) { return hex.substr(0, 8); }
  template <class Id>
  static std::string brief(const Id& id) {
    return id.to_string().substr(24);  // the random end of a UUIDv7
  }
  const Truth& truth_;

 private:
  Findings& findings_;
};

using Checkers = std::vector<std::unique_ptr<Checker>>;
// All rules that hold in every run.
Checkers all_checkers(const Truth& truth, Findings& findings);

}  // namespace kith::sim
