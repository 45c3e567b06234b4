// The version of the linked library.
#include "kith/core/export.h"

namespace kith {

const char* version() noexcept {
  return KITH_VERSION_STRING;
}

}  // namespace kith
