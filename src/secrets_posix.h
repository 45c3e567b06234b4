// Protects secrets from other users: checks the permissions of files, and keeps memory off the disk.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/result.h"

namespace kith {

enum class SecretFile : std::uint8_t {
  kOwner,  // neither the file's group nor others may read it
  kGroup,  // the file's group may: keys are often shared with a group of services
};

// Returns ok if nobody else can read the file: its own permissions forbid that, or those of a directory on its path
// that only the owner can enter. The group of root's file is trusted if this process does not run as root. Fails with
// kInvalidArgument, whose message says what to do, and with kIo if the file cannot be examined.
Status check_secret_file(const std::string& path, SecretFile readers);

// Stops core files of this process, and other processes of this user from reading its memory. Returns false if the
// system refused.
bool forbid_core_dumps();

}  // namespace kith
