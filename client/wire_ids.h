// Id fields of the wire as typed ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kith/core/ids.h"

namespace kith::client {

// The empty id for bytes that are none: the fields are optional, or checked by the server.
template <class T>
T id_of(const std::string& bytes) {
  const auto id = T::from_bytes(bytes);
  return id ? T(*id) : T();
}

// A list of users as the cache keeps it: their bytes, one after the other.
inline std::string bytes_of(const std::vector<UserId>& users) {
  std::string bytes;
  for (const UserId& user : users) bytes += user.view();
  return bytes;
}
inline std::vector<UserId> users_of(std::string_view bytes) {
  std::vector<UserId> users;
  for (; bytes.size() >= UserId::kSize; bytes.remove_prefix(UserId::kSize))
    users.push_back(id_of<UserId>(std::string(bytes.substr(0, UserId::kSize))));
  return users;
}

}  // namespace kith::client
