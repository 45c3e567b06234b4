// ServiceRouter: presence, people, search, conversations.
#include "server/dispatch/service_router.h"

#include <utility>

#include "kith/v1/frame.pb.h"

namespace kith::server {

ServiceRouter::ServiceRouter(const ServerOptions& options, const Ports& ports, PeopleHooks hooks)
    : log_(options.log),
      health_(ports.health),
      shard_(ports.shard),
      conversations_(ports.shard, ports.users, ports.fanout, ports.scheduler,
                     options.large_pushes_per_s),
      presence_(ports.users, ports.shard, ports.fanout, ports.scheduler, options.presence_grace),
      people_(ports.directory, ports.users, ports.devices, ports.shard, ports.fanout,
              ports.scheduler.clock(), with_changed(std::move(hooks))),
      departures_(ports.directory, ports.shard, ports.scheduler, ports.random),
      search_(options.search ? ports.search : nullptr, ports.shard, ports.scheduler) {
  set_secret(options.secret);
}

PeopleHooks ServiceRouter::with_changed(PeopleHooks hooks) {
  hooks.changed = [this](const UserId& user) { presence_.user_changed(user); };
  return hooks;
}

void ServiceRouter::set_limits(AccountLimits& limits) {
  conversations_.on_cold_heads([&limits](const Caller& caller, std::uint32_t heads) {
    limits.charge(caller, Spend::kAck, heads * kColdHeadCost);
  });
  conversations_.set_lookup_costs(
      {[&limits](const Caller& caller) { return limits.wait_for_lookups(caller); },
       [&limits](const Caller& caller, std::uint32_t people) {
         limits.charge_lookups(caller, people);
       }});
  search_.set_costs(
      {[&limits](const Caller& caller) { return limits.wait_for(caller, Spend::kSearch); },
       [&limits](const Caller& caller, std::uint32_t ms) {
         limits.charge(caller, Spend::kSearch, ms);
       }});
}

bool ServiceRouter::handle(const Caller& caller, v1::ClientFrame& frame, Reply& reply) {
  return presence_.handle(caller, frame) || people_.handle(caller, frame, reply) ||
         search_.handle(caller, frame, reply) ||
         conversations_.handle(caller, std::move(frame), std::move(reply));
}

void ServiceRouter::fast_path(const Caller& caller, const RequestView& request, Reply&& reply) {
  conversations_.handle(caller, request, std::move(reply));
}

void ServiceRouter::session_opened(const Caller& caller, bool active, const std::string& agent) {
  people_.note_device(caller, agent);
  presence_.session_opened(caller, active);
  conversations_.session_opened(caller);
}

void ServiceRouter::session_closed(const Caller& caller) {
  presence_.session_closed(caller);
  conversations_.session_closed(caller);
}

void ServiceRouter::session_active(const Caller& caller, bool active) {
  presence_.session_active(caller, active);
}

void ServiceRouter::feed_high(const UserId& user, Done<Position> done) {
  shard_.feed_high(user, std::move(done));
}

void ServiceRouter::remove_account(const UserId& user, Done<void> done) {
  people_.remove(user, [this, done = std::move(done)](const Status& removed) {
    done(removed);
    if (removed) departures_.look();
  });
}

void ServiceRouter::failed(const Error& error) {
  const bool disk = error.code == ErrorCode::kDiskFull || error.code == ErrorCode::kIo;
  if (disk && health_ != nullptr) {
    health_->failed(ServiceHealth::Part::kRequests, error);
  } else if (log_) {
    log_({LogLevel::kError,
          "request_error",
          error.message,
          {{"code", std::string(to_string(error.code))}}});
  }
}

}  // namespace kith::server
