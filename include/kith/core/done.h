// Done: the callback that takes the one answer to a call, of the client and of the server's ports alike.
#pragma once

#include <functional>

#include "kith/core/result.h"

namespace kith {

// Called once, with the answer or with what went wrong. Each header that takes one says on which thread.
template <class T>
using Done = std::function<void(Result<T>)>;

}  // namespace kith
