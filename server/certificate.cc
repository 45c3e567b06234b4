// Whether a TLS certificate and its key can serve, before a server starts with them.
#include "kith/server/certificate.h"

#include "server/gateway/tls_identity_openssl.h"

namespace kith::server {

Result<CertificateInfo> check_certificate(const std::string& certificate_file,
                                          const std::string& key_file) {
  auto identity = TlsIdentity::load(certificate_file, key_file, system_clock().wall());
  if (!identity) return identity.error();
  const TlsIdentity& found = **identity;
  return CertificateInfo{found.subject(), found.valid_from(), found.valid_until(),
                         found.warnings(system_clock().wall())};
}

}  // namespace kith::server
