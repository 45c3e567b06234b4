// Profiles: what people are called: names that this device lacks are asked for, a few requests for many.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/model.h"
#include "client/online_requests.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::client {

class Profiles {
 public:
  Profiles(Model& model, Connection& connection, OnlineRequests& requests, Scheduler& scheduler);

  // See Client for these two.
  std::optional<Profile> find(const UserId& user);
  void find_users(const std::vector<std::string>& handles, Done<std::vector<Profile>> done);
  // The name of this person will be asked for, unless it is known.
  void want(const UserId& user);
  void on_welcome();

 private:
  void ask_soon(Millis wait);
  void ask();
  void refresh();

  Model& model_;
  Connection& connection_;
  OnlineRequests& requests_;
  Scheduler& scheduler_;
  std::set<UserId> wanted_;
  std::set<UserId> asked_;                 // in this session
  std::optional<std::int64_t> refreshed_;  // steady clock
  bool posted_ = false;  // one request for all names that this turn of the loop misses
  Guard guard_;
};

}  // namespace kith::client
