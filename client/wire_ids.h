// Id fields of the wire as typed ids.
#pragma once

#include <string>

namespace kith::client {

// The empty id for bytes that are none: the fields are optional, or checked by the server.
template <class T>
T id_of(const std::string& bytes) {
  const auto id = T::from_bytes(bytes);
  return id ? T(*id) : T();
}

}  // namespace kith::client
