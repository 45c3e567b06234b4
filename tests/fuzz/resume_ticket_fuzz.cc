// Any bytes as a resume ticket: only what the key sealed opens, and it opens to what was sealed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kith/v1/cluster.pb.h"
#include "src/resume_ticket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::string key(32, 'k');
  static const std::string other_key(32, 'o');
  constexpr kith::Timestamp kNow{1'000'000};
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  // Nobody without the key gets in, whatever they send. (The corpus is sealed with keys that are
  // not used here.)
  if (kith::open_ticket(input, other_key, kNow)) std::abort();

  // The same bytes as the content of a genuine ticket.
  kith::v1::ResumeTicket ticket;
  if (size > 4096 || !ticket.ParseFromArray(bytes, static_cast<int>(size))) return 0;
  const auto sealed = kith::seal(ticket, key);
  if (!sealed) std::abort();
  const auto opened = kith::open_ticket(*sealed, key, kNow);
  if (opened) {
    if (opened->SerializeAsString() != ticket.SerializeAsString()) std::abort();
    if (opened->expires_ms() <= static_cast<std::uint64_t>(kNow.ms)) std::abort();
    if (opened->user_id().size() != 16 || opened->device_id().size() != 16) std::abort();
  }
  if (kith::open_ticket(*sealed, other_key, kNow)) std::abort();
  return 0;
}
