// trust_pem: certificates out of PEM text, one by one.
#include "client/transport/trust_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

namespace kith::client {

bool trust_pem(x509_store_st* store, const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  bool any = false;
  while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    any = X509_STORE_add_cert(store, certificate) == 1 || any;
    X509_free(certificate);
  }
  BIO_free(bio);
  ERR_clear_error();  // the end of the text reports itself as an error
  return any;
}

}  // namespace kith::client
