// Lane: brings calls to the loop of the other side of a link, in their order.
#pragma once

#include "kith/core/once_function.h"

namespace kith::server {

class Lane {
 public:
  // A mark of a message in a small conversation fits in it.
  using Call = OnceFunction<void(), 200>;

  virtual ~Lane() = default;
  // Called on the loop of this side. The other side may end before the call has run: then it is dropped.
  virtual void post(Call call) = 0;
};

}  // namespace kith::server
