// OwnSettings: the privacy, contacts, blocks and name of the account: as the cache has them, and how they are changed.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/model.h"
#include "client/online_requests.h"
#include "kith/client/types.h"

namespace kith::v1 {
class UserState;
}  // namespace kith::v1

namespace kith::client {

class OwnSettings {
 public:
  // `handle`: the account's own. `history_known`: see Replica.
  OwnSettings(Model& model, OnlineRequests& requests, std::string handle,
              std::function<bool()> history_known, std::function<void(Event)> emit);

  void load(const std::map<std::string, std::string>& kv);
  // Takes over what the server says of them.
  Status on_user_state(const v1::UserState& state);

  // See Client for all of these.
  [[nodiscard]] Privacy privacy() const { return privacy_; }
  [[nodiscard]] const std::vector<UserId>& contacts() const { return contacts_; }
  [[nodiscard]] const std::vector<UserId>& blocked() const { return blocked_; }
  void set_privacy(const Privacy& privacy, Done<void> done);
  void set_contact(const UserId& user, bool contact, Done<void> done);
  void set_blocked(const UserId& user, bool blocked, Done<void> done);
  void set_display_name(const std::string& name, Done<void> done);

 private:
  Status keep(const Privacy& privacy, std::vector<UserId> contacts, std::vector<UserId> blocked);

  Model& model_;
  OnlineRequests& requests_;
  const std::string handle_;
  const std::function<bool()> history_known_;
  const std::function<void(Event)> emit_;
  Privacy privacy_;
  std::vector<UserId> contacts_, blocked_;
};

}  // namespace kith::client
