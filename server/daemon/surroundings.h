// Prepares the process that kithd was started in: descriptors, name, umask, limits, and the allocation of memory.
#pragma once

#include <cstdint>

namespace kith::server::daemon {

// Before anything is opened and any thread is started:
// - closed standard descriptors become /dev/null, so that no socket or database ever gets their numbers and is
//   written to by a print;
// - files are for their owner alone;
// - SIGPIPE is ignored: a reader that has gone is an error of that write;
// - the process is called kithd also after use_large_pages().
void settle_surroundings();

// Raises the soft limit of descriptors towards the hard one, as far as `connections` need (0: 65,536 in all). Never
// lowers it.
void raise_descriptor_limit(std::uint32_t connections);

// Starts the program once more, with the same arguments, in an environment that tells glibc to keep
// one heap and to ask for large pages: a server touches many places of its memory once for each
// message, and finding a place costs more than what is done there (docs/performance.md). glibc reads its tunables
// before main() and never again. Returns where that is not possible, in the second run, where GLIBC_TUNABLES is set
// already, and where the system would not hand it on: a program with file capabilities gets a cleaned environment.
// Before any thread is started.
void use_large_pages();

}  // namespace kith::server::daemon
