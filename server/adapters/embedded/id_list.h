// Ids one after the other in a string: how a list of them lies in a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kith/core/ids.h"

namespace kith::server {

inline std::string join_ids(const std::vector<UserId>& ids) {
  std::string bytes;
  bytes.reserve(ids.size() * UserId::kSize);
  for (const UserId& id : ids) bytes.append(id.view());
  return bytes;
}

// Remaining bytes at the end are no id.
inline std::vector<UserId> split_ids(std::string_view bytes) {
  std::vector<UserId> ids;
  ids.reserve(bytes.size() / UserId::kSize);
  for (std::size_t at = 0; at + UserId::kSize <= bytes.size(); at += UserId::kSize) {
    ids.push_back(*UserId::from_bytes(bytes.substr(at, UserId::kSize)));
  }
  return ids;
}

}  // namespace kith::server
