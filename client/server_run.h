// ServerRun: the run of the server whose history this device holds: after a restore from a copy the server has another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/model.h"

namespace kith::client {

class ServerRun {
 public:
  explicit ServerRun(Model& model) : model_(model) {}

  void load(const CacheContent& content);
  // The run of the history that the cache holds; empty: none yet.
  [[nodiscard]] const std::string& id() const { return id_; }

  // A session begins with a server of this run. Returns true if what is held is of it.
  // `nothing_held`: there is nothing here that could be of another.
  bool on_welcome(const std::string& run_of_server, bool nothing_held);
  // Notes that the held events are of this session's server.
  Status keep();
  // Drops the held events, which are of another history, with these read marks; the server's takes its place.
  Status change(const std::vector<ConversationId>& read_marks);
  // How many changes this object has seen.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  Model& model_;
  bool kept_ = false;      // in the cache and beside the outbox
  std::string id_;         // of the history that the cache holds
  std::string of_server_;  // Welcome.run_id of this session
  std::uint64_t changes_ = 0;
};

}  // namespace kith::client
