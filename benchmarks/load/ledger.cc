// Ledger: book-keeping of messages.
#include "benchmarks/load/ledger.h"

#include <algorithm>

namespace kith::bench {

std::uint32_t Ledger::add_sender() {
  senders_.emplace_back();
  return static_cast<std::uint32_t>(senders_.size() - 1);
}

std::uint64_t Ledger::launch(std::uint32_t sender, Micros intended, std::uint32_t receivers) {
  Sender& from = senders_[sender];
  Flight flight;
  flight.n = ++from.last_n;
  flight.intended = intended;
  flight.receivers_left = receivers;
  from.flights.push_back(flight);
  ++from.under_way;
  return flight.n;
}

Ledger::Flight* Ledger::exact(Sender& sender, std::uint64_t n) {
  auto& flights = sender.flights;
  const bool there = !flights.empty() && n >= flights.front().n && n <= flights.back().n;
  return there ? &flights[n - flights.front().n] : nullptr;
}

Ledger::Flight* Ledger::find(std::uint32_t sender, std::uint64_t n) {
  auto& flights = senders_[sender].flights;
  if (flights.empty()) return nullptr;
  for (n = std::max(n, flights.front().n); n <= flights.back().n; ++n) {
    Flight& flight = flights[n - flights.front().n];
    if (!flight.done) return &flight;
  }
  return nullptr;
}

void Ledger::check_place(const Flight& flight, std::uint64_t seq) {
  const bool acknowledged_elsewhere = flight.seq != 0 && flight.seq != seq;
  const bool seen_elsewhere = flight.seen_seq != 0 && flight.seen_seq != seq;
  if (acknowledged_elsewhere || seen_elsewhere) ++wrong_;
}

Ledger::Flight* Ledger::acknowledge(std::uint32_t sender, std::uint64_t n, std::uint64_t seq) {
  Sender& from = senders_[sender];
  Flight* flight = exact(from, n);
  if (flight == nullptr) return nullptr;
  check_place(*flight, seq);
  if (flight->seq != 0) return nullptr;
  flight->seq = seq;
  ++acknowledged_;
  if (keep_) {
    from.acknowledged.resize(std::max<std::size_t>(from.acknowledged.size(), n));
    from.acknowledged[n - 1] = seq;
  }
  return flight;
}

Ledger::Flight* Ledger::see(std::uint32_t sender, std::uint64_t n, std::uint64_t seq,
                            bool first_here, bool for_reader) {
  Sender& from = senders_[sender];
  if (first_here && !from.seen.add(n)) ++duplicated_;
  Flight* flight = exact(from, n);
  if (flight == nullptr || !for_reader) return nullptr;
  check_place(*flight, seq);
  if (flight->receivers_left == 0) return nullptr;
  flight->seen_seq = seq;
  --flight->receivers_left;
  return flight;
}

void Ledger::finish(std::uint32_t sender, Flight& flight) {
  Sender& from = senders_[sender];
  flight.done = true;
  --from.under_way;
  while (!from.flights.empty() && from.flights.front().done) from.flights.pop_front();
}

std::uint64_t Ledger::lost() const {
  std::uint64_t lost = 0;
  for (const Sender& sender : senders_) {
    for (const Flight& flight : sender.flights) {
      if (flight.seq != 0) lost += flight.receivers_left;
    }
  }
  return lost;
}

void Ledger::begin_audit() {
  for (Sender& sender : senders_) sender.found.assign(sender.acknowledged.size(), false);
}

void Ledger::found(std::uint32_t sender, std::uint64_t n, std::uint64_t seq) {
  if (sender >= senders_.size()) return;
  Sender& from = senders_[sender];
  if (n == 0 || n > from.found.size() || from.acknowledged[n - 1] != seq) return;
  from.found[n - 1] = true;
}

std::uint64_t Ledger::missing() const {
  std::uint64_t missing = 0;
  for (const Sender& sender : senders_) {
    for (std::size_t i = 0; i < sender.acknowledged.size(); ++i) {
      const bool found = i < sender.found.size() && sender.found[i];
      if (sender.acknowledged[i] != 0 && !found) ++missing;
    }
  }
  return missing;
}

}  // namespace kith::bench
