// Errors on the wire: the mapping between kith::Error and its protobuf form.
#pragma once

#include "kith/core/result.h"

namespace kith::v1 {
class Error;
}

namespace kith {

// Codes of the client's own making (network, storage) have no wire form and become INTERNAL.
v1::Error to_wire(const Error& error);

// A code from a newer peer becomes kUnavailable if the peer calls it retryable, else
// kInvalidArgument: the two answers that lead an outbox to do what the peer meant.
Error from_wire(const v1::Error& error);

// The number of v1::ErrorCode; both enumerations share their values up to kCancelled.
int wire_code(ErrorCode code) noexcept;

}  // namespace kith
