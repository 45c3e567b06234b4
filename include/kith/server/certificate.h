// Checks whether a TLS certificate and its key can serve, before a server starts with them.
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
  Timestamp valid_until;              // of the certificate of the chain that expires first
  std::vector<std::string> warnings;  // problems for some clients, or soon for all
};

// Reads PEM files as Server::start() does, and tries a handshake with them in memory. Fails with kTlsFailed if they
// cannot serve; the message begins with the file at fault. Causes: a file is not readable or holds no certificate or
// key; the key has a passphrase, belongs to another certificate, or is readable by everybody (the message says how to
// change that); the chain is in the wrong order; by the clock of this machine a certificate has expired or is not valid
// yet; the certificate is not for a server; TLS 1.3 does not know the type of the key. Threads: any.
KITH_API Result<CertificateInfo> check_certificate(const std::string& certificate_file,
                                                   const std::string& key_file);

}  // namespace kith::server
