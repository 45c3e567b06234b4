// ServerCore: the parts without I/O, joined.
#include "server/server_core.h"

#include <optional>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/auth/door.h"
#include "server/gateway/gateway.h"
#include "server/conversation/conversation_shard.h"
#include "server/dispatch/conversation_requests.h"
#include "server/people/departures.h"
#include "server/users/devices.h"
#include "server/delivery/fanout.h"
#include "server/people/people_service.h"
#include "server/presence/presence_service.h"
#include "server/search/search_service.h"
#include "server/users/users.h"

namespace kith::server {
namespace {

constexpr const char* kGatewayName = "local";  // the only gateway of an embedded server

// What a server without an index must not offer.
ServerOptions offered(const ServerOptions& options, const ServerPorts& ports) {
  ServerOptions offer = options;
  offer.search = options.search && ports.search != nullptr;
  return offer;
}

class JoinedCore : public ServerCore {
 public:
  JoinedCore(const ServerOptions& options, const ServerPorts& ports, Scheduler& scheduler,
             Random& random, Connections& connections, const LagMarks& marks)
      : clock_(scheduler.clock()),
        health_(ports.health),
        log_(options.log),
        users_(ports.directory),
        devices_(ports.directory),
        fanout_(ports.registry, ports.bus, kGatewayName),
        shard_(ports.log, ports.store, scheduler, marks),
        conversations_(shard_, users_, fanout_, scheduler, options.large_pushes_per_s),
        presence_(users_, shard_, fanout_, scheduler, options.presence_grace),
        people_(ports.directory, users_, devices_, shard_, fanout_, scheduler.clock(),
                people_hooks()),
        door_({options.secret, options.authenticator, options.register_accounts,
               options.account_token_life, options.previous_secret},
              ports.directory, users_, devices_, ports.passwords, scheduler),
        departures_(ports.directory, shard_, scheduler, random),
        search_(options.search ? ports.search : nullptr, shard_, scheduler),
        gateway_(kGatewayName, offered(options, ports),
                 {door_, ports.registry, ports.bus, scheduler, random, connections, ports.runs},
                 gateway_hooks()) {
    devices_.on_online([this](const UserId& user, const DeviceId& device) {
      return gateway_.online(user, device);
    });
    conversations_.on_cold_heads([this](const Caller& caller, std::uint32_t heads) {
      gateway_.charge(caller, Spend::kAck, heads * kColdHeadCost);
    });
    conversations_.set_lookup_costs(
        {[this](const Caller& caller) { return gateway_.wait_for_lookups(caller); },
         [this](const Caller& caller, std::uint32_t people) {
           gateway_.charge_lookups(caller, people);
         }});
    shard_.watch(health_);
    conversations_.set_secret(options.secret);
    search_.set_costs(
        {[this](const Caller& caller) { return gateway_.wait_for(caller, Spend::kSearch); },
         [this](const Caller& caller, std::uint32_t ms) {
           gateway_.charge(caller, Spend::kSearch, ms);
         }});
    if (ports.search == nullptr || !options.search) return;
    feeder_.emplace(*ports.search, ports.store, shard_, scheduler, limits::search_waiting_max,
                    ports.index_step, [log = options.log](const std::string& text) {
                      if (log) log({LogLevel::kWarning, "search_rebuild", text, {}});
                    });
    search_.on_damage([this](const Error& error) { feeder_->index_damaged(error); });
    shard_.on_stored([this](const StoreBatch& batch) { feeder_->stored(batch); });
  }

  Status start() override {
    if (auto started = shard_.start(); !started) return started;
    departures_.look();
    if (!feeder_) return {};
    return feeder_->start(shard_.progress().applied(), shard_.progress().end());
  }

  void drain(std::chrono::milliseconds window, std::function<void()> done) override {
    presence_.freeze();
    gateway_.drain(window, std::move(done));
  }
  void revoke(const UserId& user, const DeviceId* device,
              std::function<void(Status)> done) override {
    people_.revoke(user, device, std::move(done));
  }
  void set_password(const UserId& user, const std::string& password,
                    std::function<void(Status)> done) override {
    door_.set_password(user, password, [this, user, done = std::move(done)](const Status& set) {
      done(set);
      if (set) gateway_.end_revoked(user, nullptr);
    });
  }
  void delete_account(const UserId& user, std::function<void(Status)> done) override {
    people_.remove(user, [this, done = std::move(done)](const Status& removed) {
      done(removed);
      if (removed) departures_.look();
    });
  }
  void use_sign_in(const ServerOptions& options) override {
    door_.use_authenticator(options.authenticator);
    door_.use_secrets(options.secret, options.previous_secret);
    conversations_.set_secret(options.secret);
  }
  std::map<std::string, std::uint64_t> stats() const override {
    std::map<std::string, std::uint64_t> all;
    gateway_.add_stats(all);
    shard_.add_stats(all);
    search_.add_stats(all);
    if (feeder_) feeder_->add_stats(all);
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
                 gateway_.sent().read());
  }
  void hold_log(bool held) override { shard_.hold_log(held); }
  void beat() override {
    if (health_ == nullptr) return;
    health_->beat(shard_.progress().apply_lag() >= limits::apply_lag_soft);
    if (feeder_ && feeder_->failing()) {
      health_->failed(ServiceHealth::Part::kSearch, *feeder_->failing());
    } else if (feeder_) {
      health_->good(ServiceHealth::Part::kSearch);
    }
    if (health_->failing(ServiceHealth::Part::kJournal)) shard_.probe();
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
  PeopleHooks people_hooks() {
    PeopleHooks hooks;
    hooks.changed = [this](const UserId& user) { presence_.user_changed(user); };
    hooks.revoked = [this](const UserId& user, const DeviceId* device, const DeviceId* spared) {
      door_.note_ended();
      gateway_.end_revoked(user, device, spared);
    };
    hooks.online = [this](const UserId& user, const DeviceId& device) {
      return gateway_.online(user, device);
    };
    hooks.token_of = [this](const Caller& caller) { return gateway_.token_of(caller.session); };
    return hooks;
  }
  GatewayHooks gateway_hooks() {
    GatewayHooks hooks;
    hooks.request = [this](const Caller& caller, v1::ClientFrame& frame, Reply& reply) {
      return presence_.handle(caller, frame) || people_.handle(caller, frame, reply) ||
             search_.handle(caller, frame, reply) ||
             conversations_.handle(caller, std::move(frame), std::move(reply));
    };
    hooks.opened = [this](const Caller& caller, bool active, const std::string& agent) {
      people_.note_device(caller, agent);
      presence_.session_opened(caller, active);
      conversations_.session_opened(caller);
    };
    hooks.closed = [this](const Caller& caller) {
      presence_.session_closed(caller);
      conversations_.session_closed(caller);
    };
    hooks.activity = [this](const Caller& caller, bool active) {
      presence_.session_active(caller, active);
    };
    hooks.feed_high = [this](const UserId& user, Done<Position> done) {
      shard_.feed_high(user, std::move(done));
    };
    hooks.often = [this](const Caller& caller, const RequestView& request, Reply&& reply) {
      conversations_.handle(caller, request, std::move(reply));
    };
    hooks.failed = [this, log = log_](const Error& error) {
      const bool disk = error.code == ErrorCode::kDiskFull || error.code == ErrorCode::kIo;
      if (disk && health_ != nullptr) {
        health_->failed(ServiceHealth::Part::kRequests, error);
      } else if (log) {
        log({LogLevel::kError,
             "request_error",
             error.message,
             {{"code", std::string(to_string(error.code))}}});
      }
    };
    hooks.remove_account = [this](const UserId& user, Done<void> done) {
      delete_account(user, std::move(done));
    };
    return hooks;
  }

  Clock& clock_;
  ServiceHealth* const health_;
  const std::function<void(const LogLine&)> log_;
  LatencyHistogram handled_;
  Users users_;
  Devices devices_;
  Fanout fanout_;
  ConversationShard shard_;
  ConversationRequests conversations_;
  PresenceService presence_;
  PeopleService people_;
  Door door_;
  Departures departures_;
  SearchService search_;
  std::optional<SearchFeeder> feeder_;
  Gateway gateway_;
};

}  // namespace

std::unique_ptr<ServerCore> ServerCore::make(const ServerOptions& options, const ServerPorts& ports,
                                             Scheduler& scheduler, Random& random,
                                             Connections& connections, const LagMarks& marks) {
  return std::make_unique<JoinedCore>(options, ports, scheduler, random, connections, marks);
}

}  // namespace kith::server
