// Message ids: UUIDs (RFC 9562), made by the sender before a message is stored or sent.
#pragma once

#include <cstdint>
#include <mutex>

#include "kith/core/ids.h"
#include "kith/core/random.h"
#include "kith/core/time.h"

namespace kith {

// A random id, version 4: it carries no information.
MessageId random_uuid(Random& random);

// Ids of one generator ascend as bytes, also within a millisecond and when the wall clock is set
// back. Threads: any. Clock and Random must outlive it.
class UuidGenerator {
 public:
  UuidGenerator(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  MessageId next();

 private:
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::int64_t last_ms_ = -1;
  std::uint32_t counter_ = 0;  // rand_a, 12 bits
};

// Returns the time inside an id; nothing if the id is not a version 7 UUID.
std::optional<std::int64_t> uuid_timestamp_ms(const MessageId& id);

}  // namespace kith
