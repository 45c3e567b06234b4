// The certificates that a TLS client trusts, from PEM text.
#pragma once

#include <string>

struct x509_store_st;

namespace kith::client {

// Adds every certificate of `pem` to `store`; false if there was none that could be added. Leaves
// no error in OpenSSL's queue. Threads: that of the store.
bool trust_pem(x509_store_st* store, const std::string& pem);

}  // namespace kith::client
