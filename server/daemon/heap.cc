// How the process takes its memory: glibc reads its tunables before main() and never again.
#include "server/daemon/heap.h"

#include <unistd.h>

#include <cstdlib>

namespace kith::server::daemon {

void use_large_pages(char** argv) {
  constexpr const char* kName = "GLIBC_TUNABLES";
  if (getenv(kName) != nullptr) return;
  // Heaps of their own for threads are never asked for in large pages.
  if (setenv(kName, "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1", 1) != 0) return;
  execv("/proc/self/exe", argv);
}

}  // namespace kith::server::daemon
