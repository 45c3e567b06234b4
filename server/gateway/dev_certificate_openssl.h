// A development CA and a certificate for this machine, so that TLS is on from the first minute.
#pragma once

#include <string>

#include "kith/core/result.h"

namespace kith::server {

struct DevCertificate {
  std::string ca_file;           // PEM; what clients verify against
  std::string certificate_file;  // PEM; localhost, 127.0.0.1 and ::1, 825 days
  std::string key_file;          // PEM, readable by the owner alone
};

// Makes the files in `directory` (created if missing) or returns those of an earlier call while
// they are valid for another day. The key of the CA is not kept: nothing else can be signed with
// it. Fails with kIo.
Result<DevCertificate> ensure_dev_certificate(const std::string& directory);

}  // namespace kith::server
