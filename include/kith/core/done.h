// Done: the callback that takes the one answer to a call, of the client and of the server's ports alike.
#pragma once

#include <functional>

#include "kith/core/result.h"

namespace kith {

// Called once, with the value or an Error. Each header that takes one names the thread.
template <class T>
using Done = std::function<void(Result<T>)>;

}  // namespace kith
