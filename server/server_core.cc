// ServerCore: the parts without I/O, joined.
#include "server/server_core.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/auth/sign_in.h"
#include "server/delivery/session_fanout.h"
#include "server/dispatch/dispatcher.h"
#include "server/dispatch/owned_partition.h"
#include "server/dispatch/service_router.h"
#include "server/gateway/gateway.h"
#include "server/users/devices.h"
#include "server/users/users.h"

namespace kith::server {
namespace {

constexpr const char* kGatewayName = "local";  // the only gateway of an embedded server

// Removes the capability that a server without an index must not offer.
ServerOptions offered(const ServerOptions& options, const CorePorts& ports) {
  ServerOptions offer = options;
  offer.search = options.search && ports.search != nullptr;
  return offer;
}

// The partitions share the memory and the lag that a server may have.
PartitionBounds bounds_of_one(std::size_t count, LagMarks lag, const ServerOptions& options) {
  lag.at_once /= count;
  lag.soft /= count;
  lag.max /= count;
  lag.held /= count;
  CacheBounds cache = ConversationTable::kBounds;
  cache.count /= count;
  cache.bytes /= count;
  return {lag, cache, options.large_pushes_per_s};
}

std::unique_ptr<Partition> make_partition(const PartitionPorts& ports, const PartitionFront& front,
                                          Scheduler& own, const PartitionBounds& bounds) {
  if (!ports.loop) {
    return std::make_unique<OwnedPartition>(ports.log, ports.store, front, own, bounds);
  }
  return std::make_unique<LoopPartition>(ports.log, ports.store, front, own, *ports.loop, bounds);
}

class JoinedCore : public ServerCore {
 public:
  JoinedCore(const ServerOptions& options, const CorePorts& ports, Scheduler& scheduler,
             Random& random, Connections& connections, const LagMarks& marks)
      : clock_(scheduler.clock()),
        health_(ports.health),
        users_(ports.directory, Users::kBounds, ports.home),
        devices_(ports.directory),
        relations_(users_),
        fanout_(ports.registry, ports.bus, kGatewayName),
        feed_(ports.feed, scheduler),
        services_(options,
                  {ports.directory, users_, devices_, relations_, feed_, fanout_, scheduler, random,
                   ports.search, ports.health, ports.home, ports.peers},
                  people_hooks()),
        sign_in_({options.secret, options.authenticator, options.register_accounts,
                  options.account_token_life, options.previous_secret, ports.home},
                 ports.directory, users_, devices_, ports.passwords, scheduler),
        dispatcher_(options, sign_in_, services_, scheduler, random),
        gateway_(kGatewayName, offered(options, ports),
                 {dispatcher_, ports.registry, ports.bus, scheduler, random, connections,
                  ports.runs, ports.home}) {
    devices_.on_online([this](const UserId& user, const DeviceId& device) {
      return gateway_.online(user, device);
    });
    services_.set_limits(dispatcher_.limits());
    const bool elsewhere = ports.partitions.empty();
    const std::size_t count = elsewhere ? ports.elsewhere.size() : ports.partitions.size();
    const PartitionBounds bounds = bounds_of_one(count, marks, options);
    if (elsewhere) services_.conversations().keep_sessions();
    for (std::uint32_t i = 0; i < count; ++i) {
      partitions_.push_back(elsewhere
                                ? ports.elsewhere[i](front(i))
                                : make_partition(ports.partitions[i], front(i), scheduler, bounds));
      services_.add(partitions_.back()->owner());
    }
    services_.set_secret(options.secret);
    if (ports.search == nullptr || !options.search || ports.home.number != 0) return;
    rebuild_.emplace(*ports.search, scheduler, [log = options.log](const std::string& text) {
      if (log) log({LogLevel::kWarning, "search_rebuild", text, {}});
    });
    for (std::uint32_t i = 0; i < count; ++i) {
      feeders_.push_back(std::make_unique<SearchFeeder>(
          SearchFeeder::Ports{*ports.search, partitions_[i]->owner(), scheduler, *rebuild_}, i,
          limits::search_waiting_max / count, ports.index_step));
    }
    services_.on_index_damage([this](const Error& error) { rebuild_->damaged(error); });
  }

  Status start() override {
    if (auto started = feed_.start(); !started) return started;
    std::vector<Partition::LogSpan> spans;
    for (const auto& partition : partitions_) {
      const auto started = partition->start();
      if (!started) return started.error();
      spans.push_back(*started);
    }
    services_.start();
    for (std::size_t i = 0; i < feeders_.size(); ++i) {
      const Status started = feeders_[i]->start(spans[i].applied, spans[i].end);
      if (!started) return started;
    }
    return {};
  }

  void drain(std::chrono::milliseconds window, std::function<void()> done) override {
    services_.freeze();
    gateway_.drain(window, std::move(done));
  }
  void revoke(const UserId& user, const DeviceId* device, Done<void> done) override {
    services_.revoke(user, device, std::move(done));
  }
  void set_password(const UserId& user, const std::string& password, Done<void> done) override {
    sign_in_.set_password(user, password, [this, user, done = std::move(done)](const Status& set) {
      done(set);
      if (set) gateway_.end_revoked(user, nullptr);
    });
  }
  void delete_account(const UserId& user, Done<void> done) override {
    services_.remove_account(user, std::move(done));
  }
  void use_sign_in(const ServerOptions& options) override {
    sign_in_.use_authenticator(options.authenticator);
    sign_in_.use_secrets(options.secret, options.previous_secret);
    services_.set_secret(options.secret);
  }
  std::map<std::string, std::uint64_t> stats() const override {
    std::map<std::string, std::uint64_t> all;
    gateway_.add_stats(all);
    dispatcher_.add_stats(all);
    for (const auto& partition : partitions_) partition->add_stats(all);
    services_.add_stats(all);
    for (const auto& feeder : feeders_) feeder->add_stats(all);
    if (rebuild_) rebuild_->add_stats(all);
    return all;
  }
  void add_metrics(MetricsText& to) const override {
    to.stats(stats());
    to.histogram(
        "kith_frame_handling_seconds",
        "Time of the loop that one frame of a client took until it was handed on or answered.",
        handled_.read());
    to.histogram("kith_sent_seconds",
                 "From a frame with messages until its answer, which says SENT or refuses.",
                 dispatcher_.sent().read());
  }
  PresenceService& presence() override { return services_.presence(); }
  void hold_log(bool held, Done<void> done) override {
    auto waiting = std::make_shared<std::size_t>(partitions_.size());
    for (const auto& partition : partitions_) {
      partition->hold_log(held, [waiting, done](const Status&) {
        if (--*waiting == 0) done({});
      });
    }
  }
  void beat() override {
    if (health_ == nullptr) return;
    health_->beat(
        std::any_of(partitions_.begin(), partitions_.end(), [this](const auto& partition) {
          return partition->apply_lag() >= limits::apply_lag_soft / partitions_.size();
        }));
    const auto failing = std::find_if(feeders_.begin(), feeders_.end(), [](const auto& feeder) {
      return feeder->failing().has_value();
    });
    if (failing != feeders_.end()) {
      health_->failed(ServiceHealth::Part::kSearch, *(*failing)->failing());
    } else if (!feeders_.empty()) {
      health_->good(ServiceHealth::Part::kSearch);
    }
    if (!health_->failing(ServiceHealth::Part::kJournal)) return;
    for (const auto& partition : partitions_) partition->probe();
  }
  void on_open(ConnectionId id, const PeerInfo& peer) override { gateway_.on_open(id, peer); }
  void on_message(ConnectionId id, std::string_view message) override {
    const std::int64_t begun = clock_.steady_us();
    gateway_.on_message(id, message);
    handled_.observe(clock_.steady_us() - begun);
  }
  void on_drained(ConnectionId id) override { gateway_.on_drained(id); }
  void on_close(ConnectionId id) override { gateway_.on_close(id); }

 private:
  PartitionFront front(std::uint32_t partition) {
    return {feed_,
            relations_,
            fanout_,
            health_,
            [this, partition](const std::shared_ptr<const StoreBatch>& batch) {
              if (!feeders_.empty()) feeders_[partition]->stored(*batch);
            },
            [this, partition](Position stored) {
              services_.conversations().reached(partition);
              gateway_.pushes_lost();
              if (!feeders_.empty()) feeders_[partition]->look_again(stored);
            }};
  }
  PeopleHooks people_hooks() {
    PeopleHooks hooks;
    hooks.revoked = [this](const UserId& user, const DeviceId* device, const DeviceId* spared) {
      sign_in_.note_ended();
      gateway_.end_revoked(user, device, spared);
    };
    hooks.online = [this](const UserId& user, const DeviceId& device) {
      return gateway_.online(user, device);
    };
    hooks.token_of = [this](const Caller& caller) { return gateway_.token_of(caller.session); };
    return hooks;
  }

  Clock& clock_;
  ServiceHealth* const health_;
  LatencyHistogram handled_;
  Users users_;
  Devices devices_;
  UserRelations relations_;
  SessionFanout fanout_;
  UserFeed feed_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  ServiceRouter services_;
  SignIn sign_in_;
  std::optional<IndexRebuild> rebuild_;
  std::vector<std::unique_ptr<SearchFeeder>> feeders_;  // of the partitions
  Dispatcher dispatcher_;
  Gateway gateway_;
};

}  // namespace

std::unique_ptr<ServerCore> ServerCore::make(const ServerOptions& options, const CorePorts& ports,
                                             Scheduler& scheduler, Random& random,
                                             Connections& connections, const LagMarks& marks) {
  return std::make_unique<JoinedCore>(options, ports, scheduler, random, connections, marks);
}

}  // namespace kith::server
