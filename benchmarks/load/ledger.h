// Ledger records sent, acknowledged and received messages, and finds acknowledged ones that are
// missing somewhere, came twice, or stand at another place. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/load/clock.h"
#include "benchmarks/load/number_set.h"
#include "benchmarks/load/queue.h"

namespace kith::bench {

class Ledger {
 public:
  struct Flight {  // a message on its way
    std::uint64_t n = 0;
    std::uint64_t seq = 0;       // as acknowledged; 0 = not yet
    std::uint64_t seen_seq = 0;  // as received
    Micros intended = 0;
    std::uint32_t receivers_left = 0;
    bool delivered = false;
    bool done = false;
  };

  // `keep` remembers every acknowledgement, for begin_audit().
  explicit Ledger(bool keep = false) : keep_(keep) {}

  // Senders count from 0.
  std::uint32_t add_sender();
  // The next message of a sender; numbers count from 1.
  std::uint64_t launch(std::uint32_t sender, Micros intended, std::uint32_t receivers);
  // The server has acknowledged it at `seq`. Returns the flight if that is new, else nullptr.
  Flight* acknowledge(std::uint32_t sender, std::uint64_t n, std::uint64_t seq);
  // A session sees message n at `seq`. `first_here`: no session has seen that place before;
  // `for_reader`: the session is its receiver. Returns the flight if it was awaited, else nullptr.
  Flight* see(std::uint32_t sender, std::uint64_t n, std::uint64_t seq, bool first_here,
              bool for_reader);
  // The oldest flight of `sender` from n on that is still under way; nullptr if there is none.
  Flight* find(std::uint32_t sender, std::uint64_t n);
  // No further events of it are awaited. Ends the reference.
  void finish(std::uint32_t sender, Flight& flight);
  [[nodiscard]] std::uint32_t under_way(std::uint32_t sender) const {
    return senders_[sender].under_way;
  }

  // Copies of acknowledged messages that have not reached their reader.
  [[nodiscard]] std::uint64_t lost() const;
  // Messages that stand at two places.
  [[nodiscard]] std::uint64_t duplicated() const { return duplicated_; }
  // Messages that were seen at another place than was acknowledged.
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

  // Reads everything again: found() for each message that the server still has, then missing().
  void begin_audit();
  void found(std::uint32_t sender, std::uint64_t n, std::uint64_t seq);
  [[nodiscard]] std::uint64_t missing() const;

 private:
  struct Sender {
    std::uint64_t last_n = 0;
    std::uint32_t under_way = 0;
    Queue<Flight> flights;  // ascending n, the first is not done
    NumberSet seen;
    std::vector<std::uint64_t> acknowledged;  // seq of n = index + 1
    std::vector<bool> found;
  };
  Flight* exact(Sender& sender, std::uint64_t n);
  void check_place(const Flight& flight, std::uint64_t seq);

  bool keep_;
  std::vector<Sender> senders_;
  std::uint64_t duplicated_ = 0, wrong_ = 0, acknowledged_ = 0;
};

}  // namespace kith::bench
