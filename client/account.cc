// Account: requests and their answers.
#include "client/account.h"

#include <utility>

#include "client/wire_ids.h"

namespace kith::client {

void Account::devices(Done<std::vector<Device>> done) {
  v1::ClientFrame frame;
  (void)frame.mutable_get_devices();
  requests_.ask<std::vector<Device>>(
      frame, std::move(done),
      [](const v1::ServerFrame& answer) -> std::optional<std::vector<Device>> {
        if (!answer.has_devices_page()) return std::nullopt;
        std::vector<Device> found;
        for (const v1::DeviceInfo& d : answer.devices_page().devices()) {
          found.push_back({id_of<DeviceId>(d.device_id()), d.agent(),
                           Timestamp{static_cast<std::int64_t>(d.last_seen_ms())}, d.online(),
                           d.current()});
        }
        return found;
      });
}

void Account::revoke_device(const DeviceId& device, Done<void> done) {
  if (device.empty()) {  // on the wire that means all others
    done(make_error(ErrorCode::kInvalidArgument, "device: the id is empty"));
    return;
  }
  v1::ClientFrame frame;
  frame.mutable_revoke_device()->set_device_id(device.bytes());
  requests_.change(frame, std::move(done));
}

void Account::revoke_other_devices(Done<void> done) {
  v1::ClientFrame frame;
  (void)frame.mutable_revoke_device();
  requests_.change(frame, std::move(done));
}

void Account::change_password(const std::string& old_password, const std::string& new_password,
                              Done<Token> done) {
  v1::ClientFrame frame;
  frame.mutable_change_password()->set_old_password(old_password);
  frame.mutable_change_password()->set_new_password(new_password);
  requests_.ask<
      Token>(frame, std::move(done), [this](const v1::ServerFrame& answer) -> std::optional<Token> {
    if (!answer.has_signed_in()) return std::nullopt;
    const v1::SignedIn& fresh = answer.signed_in();
    connection_.replace_token(fresh.access_token(), fresh.expires_ms());
    return Token{fresh.access_token(), Timestamp{static_cast<std::int64_t>(fresh.expires_ms())}};
  });
}

void Account::delete_account(const std::string& password, Done<void> done) {
  v1::ClientFrame frame;
  frame.mutable_delete_account()->set_password(password);
  requests_.tell(frame, std::move(done));
}

}  // namespace kith::client
