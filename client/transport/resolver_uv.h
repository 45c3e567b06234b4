// Resolver: the addresses of a host name, without blocking the loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/loop/loop_uv.h"

namespace kith::client {

// Answers the addresses of `host`, textual and in the system's order of preference, empty if the name does not resolve.
// Called on the loop; answers there too, later, and also after the one who asked is gone.
using Resolve = std::function<void(const std::string& host,
                                   std::function<void(std::vector<std::string>)> done)>;

// getaddrinfo() on libuv's threads. `loop` must outlive what it is asked.
Resolve make_uv_resolver(LoopUv& loop);

}  // namespace kith::client
