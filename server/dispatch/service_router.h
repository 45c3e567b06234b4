// ServiceRouter owns the services and gives each request to the one that answers it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "kith/core/random.h"
#include "kith/server/options.h"
#include "kith/server/ports/search_index.h"
#include "server/delivery/feed_bell.h"
#include "server/dispatch/account_limits.h"
#include "server/dispatch/held_requests.h"
#include "server/dispatch/partition_router.h"
#include "server/dispatch/services.h"
#include "server/health/service_health.h"
#include "server/people/departures.h"
#include "server/people/people_service.h"
#include "server/people/user_relations.h"
#include "server/presence/presence_service.h"
#include "server/queries/sync_service.h"
#include "server/search/search_service.h"

namespace kith::server {

class ServiceRouter : public Services {
 public:
  // All must outlive it.
  struct Ports {
    Directory& directory;
    Users& users;
    Devices& devices;
    UserRelations& relations;
    UserFeed& feed;
    Fanout& fanout;
    Scheduler& scheduler;
    Random& random;
    SearchIndex* search = nullptr;    // none: nobody can search
    ServiceHealth* health = nullptr;  // what fails is noted there; may be null
    Home home{};
    PresencePeers* peers = nullptr;  // of other homes; null: there are none
  };
  // `hooks.changed`, `.blocked` and `.gone` are the router's own.
  ServiceRouter(const ServerOptions& options, const Ports& ports, PeopleHooks hooks);

  // Charges the later costs of requests there. Called before the first request.
  void set_limits(AccountLimits& limits);
  // Page tokens are good for all that have the same secret.
  void set_secret(const std::string& secret);
  // `damaged` is called with what a search has met in the index.
  void on_index_damage(std::function<void(const Error&)> damaged) {
    search_.on_damage(std::move(damaged));
  }

  // The next partition, in their order; outlives this. Before start().
  void add(PartitionOwner& owner) { conversations_.add(owner); }
  PartitionRouter& conversations() { return conversations_; }
  PresenceService& presence() { return presence_; }
  // Goes on with what an earlier process has left.
  void start() { departures_.look(); }
  // The server is going away: pushes no OFFLINE any more.
  void freeze() { presence_.freeze(); }
  void revoke(const UserId& user, const DeviceId* device, Done<void> done) {
    people_.revoke(user, device, std::move(done));
  }
  void add_stats(std::map<std::string, std::uint64_t>& all) const { search_.add_stats(all); }

  bool handle(const Caller& caller, v1::ClientFrame& frame, Reply& reply) override;
  void fast_path(const Caller& caller, const RequestView& request, Reply&& reply) override;
  void session_opened(const Caller& caller, bool active, const std::string& agent) override;
  void session_closed(const Caller& caller) override;
  void session_active(const Caller& caller, bool active) override;
  [[nodiscard]] bool shares_receipts(const UserId& user) const override;
  void feed_high(const UserId& user, Done<FeedVersion> done) override;
  void remove_account(const UserId& user, Done<void> done) override;
  void failed(const Error& error) override;

 private:
  PeopleHooks with_own(PeopleHooks hooks);
  void handle_complete(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);

  const std::function<void(const LogLine&)> log_;
  ServiceHealth* const health_;
  Users& users_;
  UserFeed& feed_;
  FeedBell bell_;
  UserRelations& relations_;
  PartitionRouter conversations_;
  SyncService syncs_;
  HeldRequests held_;
  PresenceService presence_;
  PeopleService people_;
  Departures departures_;
  SearchService search_;
};

}  // namespace kith::server
