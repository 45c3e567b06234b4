// The first bytes of a connection behind a proxy: no crash, bounds on the awaited bytes, and headers
// that end within the bytes.
#include "server/gateway/proxy_header.h"

#include <cstdint>
#include <cstdlib>

#include "kith/core/limits.h"
#include "server/gateway/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kith::server;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader header = read_proxy_header(bytes);
  if (header.kind == ProxyHeader::Kind::kIncomplete && header.size <= size) std::abort();
  if (header.kind == ProxyHeader::Kind::kIncomplete && header.size > kProxyHeaderMax) std::abort();
  if (header.kind == ProxyHeader::Kind::kRead && header.size > size) std::abort();
  const auto needed = client_hello_needs(bytes);
  if (needed && *needed > kith::limits::client_hello_bytes_max + 5) std::abort();
  const auto trusted = AddressRanges::parse({"127.0.0.0/8", "::1"});
  const PeerAddress peer = *PeerAddress::parse("127.0.0.1");
  (void)forwarded_client(peer, {std::string(bytes)}, *trusted).text();
  return 0;
}
