// Shared by jobs of two processes: a server that is forked off, pinned and killed at the end, and
// the socket on which both meet.
#pragma once

#include <netinet/in.h>
#include <sched.h>
#include <sys/types.h>

namespace kith::bench {

// Pins this process to a core; -1 = wherever.
void pin(int cpu);

// Returns a socket that listens on a free port of the loopback device; -1 on failure.
int listen_somewhere(sockaddr_in& address);

void no_delay(int fd);

// Adds a descriptor to an epoll instance, which reports when it can be read.
void watch(int epoll, int fd);

// Returns a connected socket, watched by `epoll`; -1 on failure.
int connect_watched(const sockaddr_in& address, int epoll);

// Pins this process to a core (-1 = wherever) until it goes out of scope.
class Pinned {
 public:
  explicit Pinned(int cpu);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

// Ends a process and returns the seconds of CPU that it has used since it began.
double end_process(pid_t process);

}  // namespace kith::bench
