// Errors on the wire: the mapping between kith::Error and its protobuf form.
#pragma once

#include "kith/core/result.h"

namespace kith::v1 {
class Error;
}

namespace kith {

// Codes that only a client uses (network, storage) have no wire form and become INTERNAL.
v1::Error to_wire(const Error& error);

// An unknown code of a newer peer becomes kUnavailable if the peer calls it retryable, else kInvalidArgument:
// with either the outbox does what the peer meant.
Error from_wire(const v1::Error& error);

// The number of v1::ErrorCode; both enumerations share their values up to kCancelled.
int wire_code(ErrorCode code) noexcept;

}  // namespace kith
