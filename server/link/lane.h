// Lane: brings calls to the loop of the other side of a link, in their order.
#pragma once

#include "kith/core/once_function.h"

namespace kith::server {

class Lane {
 public:
  // A mark of a message in a small conversation fits in it.
  using Call = OnceFunction<void(), 200>;

  virtual ~Lane() = default;
  // Called on the loop of this side. The other side may end before the call has run, and the way between processes may
  // break: then it is dropped, and so is every later one. A lane belongs to one connection.
  virtual void post(Call call) = 0;
};

}  // namespace kith::server
