// Whether a TLS certificate and its key can serve, before a server starts with them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::server {

struct CertificateInfo {
  std::string subject;
  Timestamp valid_from;
  Timestamp valid_until;              // of the first certificate of the chain to end
  std::vector<std::string> warnings;  // what serves, but not for everybody or not for long
};

// Reads PEM files as Server::start() does, and tries a handshake with them in memory. kTlsFailed, with a sentence that
// begins with the file at fault, if they cannot serve: not readable, no certificate or key in it, a key with a
// passphrase, of another certificate or that everybody can read (the message says how to close it), a chain in the
// wrong order, an end that is past or a beginning that is not yet by the clock of this machine, a certificate that is
// for no server, a kind of key that TLS 1.3 does not know.
KITH_API Result<CertificateInfo> check_certificate(const std::string& certificate_file,
                                                   const std::string& key_file);

}  // namespace kith::server
