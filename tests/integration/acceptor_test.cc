// Proves that connections which come together are handed over together: a wake-up for each of many would cost
// more than taking it, on the core that the loop needs.
#include "server/gateway/acceptor_uv.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <memory>
#include <vector>

#include "server/gateway/listening_socket.h"
#include "src/loop/loop_uv.h"

namespace kith::server {
namespace {

int connected_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

TEST(Acceptor, HandsOverTogetherWhatComesTogether) {
  constexpr int kConnections = 1'000;
  const auto listening = open_listening_socket("127.0.0.1", 0, false);
  ASSERT_TRUE(listening.ok());
  const std::uint16_t port = port_of(*listening);
  LoopUv loop;
  loop.start();
  int taken = 0;  // on the loop
  std::promise<std::int64_t> batches;
  std::unique_ptr<AcceptorUv> acceptor;
  loop.run_sync([&] {
    AcceptorUv::Hooks hooks;
    hooks.accepted = [&, count = 0](std::vector<Accepted>& batch) mutable {
      ++count;
      taken += static_cast<int>(batch.size());
      batch.clear();
      if (taken == kConnections) batches.set_value(count);
    };
    hooks.starved = [] {};
    acceptor = std::make_unique<AcceptorUv>(*listening, loop, kConnections, std::move(hooks));
  });
  const std::int64_t began = loop.clock().steady_ms();
  for (int i = 0; i < kConnections; ++i) {
    const int fd = connected_to(port);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  auto all = batches.get_future();
  ASSERT_EQ(all.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const std::int64_t passed = loop.clock().steady_ms() - began;
  EXPECT_LE(all.get(), passed + 2) << "one in a millisecond";
  loop.run_sync([&] { acceptor.reset(); });
  loop.stop();
}

}  // namespace
}  // namespace kith::server
