// What keeps secrets to their owner: files that others cannot read, and no memory on the disk.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/result.h"

namespace kith {

enum class SecretFile : std::uint8_t {
  kOwner,  // neither its group nor others may read it
  kGroup,  // its group may: keys are often shared with a group of services
};

// ok if nobody else can read the file. Its permissions say no, or a directory on the way that only the owner can
// enter. The group of a file of root's is trusted when this process is not root's. kInvalidArgument, with what to do;
// kIo if it cannot be looked at.
Status check_secret_file(const std::string& path, SecretFile readers);

// A crash writes no core file, and no other process of this user can look into this one. False: the system would not.
bool forbid_core_dumps();

}  // namespace kith
