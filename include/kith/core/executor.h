// Executor: where callbacks run. An application supplies its own to get them on its main loop.
#pragma once

#include <functional>

#include "kith/core/export.h"

namespace kith {

class KITH_API Executor {
 public:
  virtual ~Executor() = default;
  // Runs `task` later, never inside this call. Tasks of one executor run one at a time, in the
  // order of their post() calls. Threads: any.
  virtual void post(std::function<void()> task) = 0;
};

}  // namespace kith
