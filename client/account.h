// Account: the devices and the password of the account; all of it online. See Client for each.
#pragma once

#include <string>
#include <vector>

#include "client/connection.h"
#include "client/online_requests.h"
#include "kith/client/client.h"

namespace kith::client {

class Account {
 public:
  Account(Connection& connection, OnlineRequests& requests)
      : connection_(connection), requests_(requests) {}

  void devices(Done<std::vector<Device>> done);
  void revoke_device(const DeviceId& device, Done<void> done);
  void revoke_other_devices(Done<void> done);
  void change_password(const std::string& old_password, const std::string& new_password,
                       Done<Token> done);
  void delete_account(const std::string& password, Done<void> done);

 private:
  Connection& connection_;
  OnlineRequests& requests_;
};

}  // namespace kith::client
