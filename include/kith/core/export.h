// Visibility and stability marks of the public headers.
#pragma once

#define KITH_API __attribute__((visibility("default")))

// Marks an API that may still change between minor releases.
#define KITH_UNSTABLE

#define KITH_VERSION_MAJOR 0
#define KITH_VERSION_MINOR 1
#define KITH_VERSION_PATCH 0
#define KITH_VERSION_STRING "0.1.0"

namespace kith {
// The version of the linked library, e.g. "0.1.0"; compare with KITH_VERSION_STRING of the headers.
KITH_API const char* version() noexcept;
}  // namespace kith
