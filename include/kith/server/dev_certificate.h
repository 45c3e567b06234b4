// A development CA and a certificate for this machine, so that TLS is on from the first minute.
#pragma once

#include <string>

#include "kith/core/export.h"
#include "kith/core/result.h"

namespace kith::server {

// The files to set in ServerOptions, and the one for the clients.
struct DevCertificate {
  std::string ca_file;           // PEM; clients verify against it
  std::string certificate_file;  // PEM; localhost, 127.0.0.1 and ::1, 825 days
  std::string key_file;          // PEM, readable by the owner alone
};

// Makes the files in `directory` (created for the owner alone if missing), or returns those of an
// earlier call if they are valid for another day. The key of the CA is not kept, so it can sign
// nothing else. Not for production: clients must trust the CA by hand. Threads: any; blocks for the
// disk. Fails with kIo, kInternal (OpenSSL).
KITH_API Result<DevCertificate> ensure_dev_certificate(const std::string& directory);

}  // namespace kith::server
