// ServiceRouter: presence, people, search, conversations.
#include "server/dispatch/service_router.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/dispatch/conversation_requests.h"

namespace kith::server {
namespace {

Caller with_receipts(const Caller& caller, const UserRecord& me) {
  Caller known = caller;
  known.receipts = me.privacy.receipts;
  return known;
}

}  // namespace

ServiceRouter::ServiceRouter(const ServerOptions& options, const Ports& ports, PeopleHooks hooks)
    : log_(options.log),
      health_(ports.health),
      users_(ports.users),
      feed_(ports.feed),
      bell_(ports.fanout),
      relations_(ports.relations),
      conversations_(ports.feed),
      syncs_(ports.feed, conversations_, ports.users),
      held_(ports.users,
            [this](const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
              handle_complete(caller, std::move(frame), std::move(reply));
            }),
      presence_(ports.users, conversations_, ports.fanout, ports.scheduler, options.presence_grace,
                ports.home, ports.peers),
      people_(ports.directory, ports.users, ports.devices, ports.feed, conversations_, ports.fanout,
              ports.scheduler.clock(), with_own(std::move(hooks))),
      departures_(ports.directory, ports.feed, conversations_, ports.scheduler, ports.random,
                  ports.home),
      search_(options.search ? ports.search : nullptr, ports.feed, conversations_,
              ports.scheduler) {
  feed_.on_ring([this](const FeedRing& ring) { bell_.ring(ring); });
}

void ServiceRouter::set_secret(const std::string& secret) {
  syncs_.set_secret(secret);
  conversations_.set_secret(secret);
}

PeopleHooks ServiceRouter::with_own(PeopleHooks hooks) {
  hooks.changed = [this](const UserId& user) { presence_.user_changed(user); };
  hooks.blocked = [this](const UserId& by, const UserId& other, bool on, Done<void> done) {
    conversations_.set_block(by, other, on, std::move(done));
  };
  hooks.gone = [this](const UserId&) { conversations_.forget_blocks(); };
  return hooks;
}

void ServiceRouter::set_limits(AccountLimits& limits) {
  relations_.set_costs({[&limits](const Caller& caller) { return limits.wait_for_lookups(caller); },
                        [&limits](const Caller& caller, std::uint32_t people) {
                          limits.charge_lookups(caller, people);
                        },
                        [&limits](const Caller& caller, std::uint32_t heads) {
                          limits.charge(caller, Spend::kAck, heads * kColdHeadCost);
                        }});
  search_.set_costs(
      {[&limits](const Caller& caller) { return limits.wait_for(caller, Spend::kSearch); },
       [&limits](const Caller& caller, std::uint32_t ms) {
         limits.charge(caller, Spend::kSearch, ms);
       }});
}

bool ServiceRouter::handle(const Caller& caller, v1::ClientFrame& frame, Reply& reply) {
  if (presence_.handle(caller, frame) || people_.handle(caller, frame, reply) ||
      search_.handle(caller, frame, reply)) {
    return true;
  }
  if (!frame.has_sync() && !ConversationRequests::knows(frame)) return false;
  const UserRecord* me = users_.cached(caller.user);
  if (me == nullptr || held_.holds(caller.user)) {
    held_.hold(caller, std::move(frame), std::move(reply));
    return true;
  }
  handle_complete(with_receipts(caller, *me), std::move(frame), std::move(reply));
  return true;
}

void ServiceRouter::handle_complete(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  if (frame.has_sync()) return syncs_.sync(caller, frame.sync(), reply);
  conversations_.handle(caller, std::move(frame), std::move(reply));
}

void ServiceRouter::fast_path(const Caller& caller, const RequestView& request, Reply&& reply) {
  const UserRecord* me = users_.cached(caller.user);
  if (me == nullptr || held_.holds(caller.user)) {
    return held_.hold(caller, request, std::move(reply));
  }
  conversations_.handle(with_receipts(caller, *me), request, std::move(reply));
}

bool ServiceRouter::shares_receipts(const UserId& user) const {
  const UserRecord* me = users_.cached(user);
  return me != nullptr && me->privacy.receipts;
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

void ServiceRouter::feed_high(const UserId& user, Done<FeedVersion> done) {
  feed_.high(user, std::move(done));
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
