// How the process takes its memory: a matter of the whole program, so the daemon's and not the
// library's.
#pragma once

namespace kith::server::daemon {

// Starts the program once more, with the same arguments, in an environment that tells glibc to keep
// one heap and to ask for large pages: a server touches many places of its memory once for each
// message, and finding a place costs more than what is done there (docs/performance.md). Returns where
// that is not possible, and in the second run: whoever sets GLIBC_TUNABLES has decided already. Before
// any thread is started.
void use_large_pages(char** argv);

}  // namespace kith::server::daemon
