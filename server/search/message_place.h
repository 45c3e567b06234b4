// The place of a message in the order of all messages: what search results are sorted and paged by.
//
// Positions are comparable within one log only, and conversations have several logs. Time comes first, since
// people look for recent messages and their devices sort by time too. The bits below it separate the messages
// of one millisecond: those of one conversation have consecutive ones, in the order of their seq, beginning at a
// hash of the conversation. Messages of two conversations in the same millisecond share a place once in a
// million times; the index moves one of them.
#pragma once

#include <cstdint>

#include "kith/server/ports/records.h"

namespace kith::server {

std::uint64_t message_place(const Event& event);
// Whether the index may have this message at `place`.
bool may_stand_at(const Event& event, std::uint64_t place);

}  // namespace kith::server
