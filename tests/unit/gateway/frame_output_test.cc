// The output of one connection leaves by itself, whatever the kernel takes and when.
#include "server/gateway/frame_output.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "src/split_mix.h"

namespace kith::server {
namespace {

// A kernel with room for some bytes; it says when it is writable only if it was asked.
class Kernel : public SocketPipe {
 public:
  std::ptrdiff_t write(std::string_view bytes) override {
    const std::size_t size = std::min({bytes.size(), room, most});
    taken.append(bytes.substr(0, size));
    room -= size;
    return static_cast<std::ptrdiff_t>(size);
  }
  void ask_writable() override { asked = true; }

  std::size_t room = 0;
  std::size_t most = static_cast<std::size_t>(-1);  // of one write, as a TLS record has
  bool asked = false;
  std::string taken;
};

constexpr unsigned char kBinary = 0x82;

TEST(FrameOutput, AsksForMoreUntilAllIsOut) {
  FrameOutput out;
  Kernel kernel;
  out.add(kBinary, std::string(1'000, 'a'));
  EXPECT_EQ(out.waiting(), 1'004U);
  EXPECT_FALSE(out.flush(kernel).drained);
  EXPECT_TRUE(std::exchange(kernel.asked, false));
  kernel.room = 1'003;
  const auto part = out.flush(kernel);
  EXPECT_EQ(part.taken, 1'003U);
  EXPECT_TRUE(std::exchange(kernel.asked, false));
  kernel.room = 10;
  const auto rest = out.flush(kernel);
  EXPECT_TRUE(rest.drained);
  EXPECT_FALSE(kernel.asked);
  EXPECT_TRUE(out.empty());
}

TEST(FrameOutput, TellsThatAllIsOutAlsoWhenTheKernelTookItAtOnce) {
  FrameOutput out;
  Kernel kernel;
  kernel.room = 1 << 20;
  out.add(kBinary, "little");
  EXPECT_FALSE(out.flush(kernel).drained);  // nobody held anything back
  out.add(kBinary, std::string(limits::write_ahead_bytes, 'b'));
  EXPECT_TRUE(out.flush(kernel).drained);
  EXPECT_FALSE(out.flush(kernel).drained);  // once
}

TEST(FrameOutput, ADeadConnectionIsSaid) {
  class Dead : public Kernel {
    std::ptrdiff_t write(std::string_view) override { return -1; }
  } dead;
  FrameOutput out;
  out.add(kBinary, "x");
  EXPECT_FALSE(out.flush(dead).alive);
}

// A sender as the gateway is: holds back output above write_ahead_bytes, and goes on when on_drained()
// is called. All leaves in order, whatever the kernel takes, and nothing waits for a new add().
void everything_leaves(std::uint64_t seed) {
  SplitMix random(seed);
  FrameOutput out;
  Kernel kernel;
  std::string expected, queue;
  std::size_t sent = 0;
  const auto pump = [&] {
    while (sent < queue.size() && out.waiting() < limits::write_ahead_bytes) {
      const std::size_t size = std::min<std::size_t>(queue.size() - sent, 1 + random.below(70'000));
      out.add(kBinary, std::string_view(queue).substr(sent, size));
      expected.append(queue, sent, size);
      sent += size;
    }
  };
  const auto flush = [&] {
    for (bool more = true; more;) {
      const auto flushed = out.flush(kernel);
      ASSERT_TRUE(flushed.alive);
      more = flushed.drained;
      if (more) pump();
      more = more && !out.empty();
    }
  };
  for (int step = 0; step < 30; ++step) {
    kernel.most = random.below(2) == 0 ? 16'384 : static_cast<std::size_t>(-1);
    switch (random.below(3)) {
      case 0:
        kernel.room = 0;
        break;
      case 1:
        kernel.room += random.below(100'000);
        break;
      default:
        kernel.room = 10 << 20;
    }
    if (random.below(2) == 0) {
      queue.append(random.below(300'000), static_cast<char>('a' + step));
      pump();
      flush();
    } else if (std::exchange(kernel.asked, false)) {
      flush();
    }
  }
  // From here on nobody adds anything: the kernel alone moves it on.
  for (int turn = 0; turn < 10'000 && sent < queue.size() + 1; ++turn) {
    kernel.room += 20'000;
    if (!std::exchange(kernel.asked, false)) break;
    flush();
  }
  EXPECT_EQ(sent, queue.size()) << seed;
  EXPECT_TRUE(out.empty()) << seed;
  std::string payloads;
  for (std::size_t at = 0; at < kernel.taken.size();) {
    std::size_t size = static_cast<unsigned char>(kernel.taken[at + 1]);
    std::size_t head = 2;
    if (size >= 126) {
      const std::size_t wide = size == 126 ? 2 : 8;
      size = 0;
      for (std::size_t i = 0; i < wide; ++i) {
        size = size << 8 | static_cast<unsigned char>(kernel.taken[at + 2 + i]);
      }
      head += wide;
    }
    payloads.append(kernel.taken, at + head, size);
    at += head + size;
  }
  EXPECT_TRUE(payloads == expected) << seed;
}

TEST(FrameOutput, EverythingLeavesInEveryOrderOfAllPartAndNothing) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) everything_leaves(seed);
}

}  // namespace
}  // namespace kith::server
