// Backfill: fills holes that a newest page has left, from the old end on, one page at a time, as far as this device has
// never had them.
#pragma once

#include <cstdint>
#include <set>

#include "client/acknowledgements.h"
#include "client/head_fetches.h"

namespace kith::client {

class Backfill {
 public:
  Backfill(const HeadFetches::Parts& parts, const Acknowledgements& acks)
      : parts_(parts), acks_(acks) {}

  void run();
  // A session begins, or the numbers stand for other events: what could not be filled may be there.
  void try_all() { unfillable_.clear(); }

 private:
  void on_answer(const ConversationId& id, std::uint64_t before, const v1::ServerFrame* frame,
                 const Error& error);

  const HeadFetches::Parts parts_;
  const Acknowledgements& acks_;
  bool running_ = false;
  std::set<ConversationId> unfillable_;  // in this session
};

}  // namespace kith::client
