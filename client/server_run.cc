// ServerRun: what is written down of it, and when.
#include "client/server_run.h"

namespace kith::client {

// The outbox survives what takes the whole cache: what waits there speaks of a history all the same.
void ServerRun::load(const CacheContent& content) {
  const auto known = content.kv.find("run");
  if (known != content.kv.end()) id_ = known->second;
  kept_ = !id_.empty() && id_ == content.run;
  if (id_.empty() && content.cursor == 0) id_ = content.run;
}

bool ServerRun::on_welcome(const std::string& run_of_server, bool nothing_held) {
  of_server_ = run_of_server;
  const bool nothing_to_judge = id_.empty() && nothing_held;
  if (nothing_to_judge || id_ == of_server_) (void)keep();
  return id_ == of_server_;
}

// Before anything of the run's history is kept: a device that dies in between says the new run with its old cursor,
// which is true.
Status ServerRun::keep() {
  if (kept_ && id_ == of_server_) return {};
  CacheChange change;
  change.kv["run"] = of_server_;
  change.run = of_server_;
  if (Status s = model_.store().commit(change); !s) return s;
  id_ = of_server_;
  kept_ = true;
  return {};
}

Status ServerRun::change(const std::vector<ConversationId>& read_marks) {
  if (Status s = model_.forget_history(read_marks, of_server_); !s) return s;
  id_ = of_server_;
  kept_ = true;
  ++changes_;
  return {};
}

}  // namespace kith::client
