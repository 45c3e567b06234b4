// START HERE to read the client: Engine is one account on this device, without any I/O of its own: its copy of the
// history, and what an application may ask for, subject by subject.
//
// Client (client.cc) gives it sockets, a loop and SQLite; the simulation gives it virtual ones. Everything runs on the
// Scheduler given; no call waits.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/account.h"
#include "client/cache_store.h"
#include "client/command_ids.h"
#include "client/groups.h"
#include "client/history.h"
#include "client/online_requests.h"
#include "client/outgoing.h"
#include "client/own_settings.h"
#include "client/people_now.h"
#include "client/profiles.h"
#include "client/replica.h"
#include "client/searches.h"
#include "client/transport.h"
#include "kith/client/client.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"

namespace kith::client {

struct EngineOptions {
  Endpoint endpoint;
  std::string handle;
  std::string agent = "kith-cpp";
  TokenProvider token;
  bool acknowledge_by_hand = false;
};

class Engine {
 public:
  // `emit` is called after each change, never inside a call that reads; it must not call the engine
  // back. All references must outlive the engine. Fails with what the store fails with.
  static Result<std::unique_ptr<Engine>> make(EngineOptions options, Scheduler& scheduler,
                                              Random& random, TransportFactory& transports,
                                              CacheStore& store, std::function<void(Event)> emit);

  // The copy and what keeps it.
  [[nodiscard]] Replica& replica() { return replica_; }
  [[nodiscard]] Model& model() { return replica_.model(); }
  [[nodiscard]] Connection& connection() { return replica_.connection(); }
  [[nodiscard]] const OutboxRows& outbox() { return replica_.outbox().rows(); }

  // The subjects that an application may ask about.
  [[nodiscard]] Outgoing& outgoing() { return outgoing_; }
  [[nodiscard]] History& history() { return history_; }
  [[nodiscard]] ReadMarks& read_marks() { return replica_.read_marks(); }
  [[nodiscard]] Searches& searches() { return searches_; }
  [[nodiscard]] Groups& groups() { return groups_; }
  [[nodiscard]] Profiles& profiles() { return profiles_; }
  [[nodiscard]] PeopleNow& people() { return people_; }
  [[nodiscard]] OwnSettings& settings() { return settings_; }
  [[nodiscard]] Account& account() { return account_; }

 private:
  Engine(const EngineOptions& options, const DeviceId& device, Scheduler& scheduler, Random& random,
         TransportFactory& transports, CacheStore& store, std::function<void(Event)> emit);
  Replica::Hooks replica_hooks();
  Status load(const CacheContent& content, bool acknowledge_by_hand);
  // Emits what is news, and wants the names of those whom it is about.
  void emit(Event event);
  bool is_news(MessageChanged& changed);

  const std::function<void(Event)> emit_;
  Replica replica_;
  OnlineRequests requests_;
  CommandIds ids_;
  Profiles profiles_;
  PeopleNow people_;
  OwnSettings settings_;
  Account account_;
  Groups groups_;
  Outgoing outgoing_;
  History history_;
  Searches searches_;
};

}  // namespace kith::client
