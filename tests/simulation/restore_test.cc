// A server that was restored from a copy while devices knew more: nobody shows what is not there, and what its sender
// still has comes back. The checkers of a run do not apply: a restore takes back what was acknowledged.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kith/v1/event.pb.h"
#include "tests/simulation/world.h"

namespace kith::sim {
namespace {

struct Seen {
  std::vector<std::string> server;             // ids by number, as the store has them
  std::vector<std::vector<std::string>> held;  // the same, as each device has them
};

Seen seen(World& world, const ConversationId& room) {
  Seen all;
  for (const auto& [seq, event] : world.server().store_disk().events[room]) {
    all.server.push_back(std::to_string(seq) + " " + event.message_id.to_string());
  }
  for (auto& device : world.devices()) {
    std::vector<std::string> ids;
    for (const auto& [seq, stored] : device->disk().cache.events[room]) {
      ids.push_back(std::to_string(seq) + " " + stored.message.to_string());
    }
    all.held.push_back(std::move(ids));
  }
  return all;
}

// Two people talk, a copy is made, they go on, and the copy takes the server's place. One of them counts past what the
// other had seen before that one is back.
Seen after_restore(std::uint64_t seed, Rule broken, std::size_t* sent) {
  World world(seed, {1, 1}, broken);
  world.findings().stop_judging();
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(5'000);
  Device& away = *world.devices()[0];
  Device& busy = *world.devices()[1];
  const ConversationId room = busy.engine()->direct(away.who().user);
  const auto say = [&](Device& who, int count, const std::string& text) {
    for (int i = 0; i < count; ++i) {
      *sent += world.send(who, room, text, {}).ok() ? 1 : 0;
      world.run_until(world.now() + 200);
    }
    world.run_until(world.now() + 10'000);
  };
  say(busy, 5, "before the copy");
  const ServerNode::Copy copy = world.server().copy();
  say(busy, 2, "after the copy");
  say(away, 2, "after the copy");
  away.crash(false);
  world.run_until(world.now() + 2'000);
  world.server().restore(copy);
  world.server().start();
  world.run_until(world.now() + 60'000);
  say(busy, 12, "after the restore");
  away.start();
  world.run_until(world.now() + 120'000);
  return seen(world, room);
}

TEST(Restore, EverybodyShowsWhatTheServerHasAndNothingIsLost) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::size_t sent = 0;
    const Seen all = after_restore(seed, Rule::kNone, &sent);
    // One event more than messages: that the conversation was begun.
    EXPECT_EQ(all.server.size(), sent + 1) << "seed " << seed;
    for (const auto& held : all.held) EXPECT_EQ(held, all.server) << "seed " << seed;
  }
}

TEST(Restore, WithoutRunsTwoHistoriesAreMixed) {
  bool mixed = false;
  for (std::uint64_t seed = 1; seed <= 20 && !mixed; ++seed) {
    std::size_t sent = 0;
    const Seen all = after_restore(seed, Rule::kRunsTold, &sent);
    for (const auto& held : all.held) mixed = mixed || held != all.server;
    mixed = mixed || all.server.size() != sent + 1;
  }
  EXPECT_TRUE(mixed);
}

}  // namespace
}  // namespace kith::sim
