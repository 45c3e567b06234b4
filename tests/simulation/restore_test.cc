// A server restored from a copy while devices knew more: no device shows a message that the server lacks, and
// messages that their sender still has come back. Tests that count this themselves run without the checkers.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/v1/event.pb.h"
#include "src/frame_codec.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"

namespace kith::sim {
namespace {

struct Seen {
  std::vector<std::string> server;             // ids by number, as the store has them
  std::vector<std::vector<std::string>> held;  // the same, as each device has them
};

Seen seen(World& world, const ConversationId& room) {
  Seen all;
  for (const auto& [seq, event] : world.server().disks().store_of(room).events[room]) {
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
  World world(seed, {1, 1}, broken, partitions_of(seed));
  world.findings().stop_judging();
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(5'000);
  Device& away = *world.devices()[0];
  Device& busy = *world.devices()[1];
  const ConversationId room = busy.engine()->outgoing().direct(away.who().user);
  const auto say = [&](Device& who, int count, const std::string& text) {
    for (int i = 0; i < count; ++i) {
      *sent += world.send(who, room, text, {}).ok() ? 1 : 0;
      world.run_until(world.now() + 200);
    }
    world.run_until(world.now() + 10'000);
  };
  say(busy, 5, "before the copy");
  const ServerDisks::Copy copy = world.server().disks().copy();
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

struct Refused {
  std::optional<Violation> found;
  bool heard = false;  // the rejection: the message stays failed, and so does the reply to it
  bool all_as_heard = true;
};

// Somebody is removed from a group after the copy, and writes to it. The server has just refused that when the copy
// takes its place; where the refusal still arrives they answer the refused message.
Refused refused_on_the_way(std::uint64_t seed) {
  World world(seed, {1, 1}, Rule::kNone, partitions_of(seed));
  world.server().start();
  for (auto& device : world.devices()) device->start();
  world.run_until(5'000);
  Device& owner = *world.devices()[0];
  Device& member = *world.devices()[1];
  const auto group = owner.engine()->outgoing().create_group("group", {member.who().user}).value();
  world.run_until(world.now() + 20'000);
  const ServerDisks::Copy copy = world.server().disks().copy();
  owner.engine()->groups().change_members(group, client::MemberChangeOf::kRemove,
                                          {member.who().user}, MemberRole::kMember,
                                          [](const Status&) {});
  world.run_until(world.now() + 20'000);
  bool refused = false;
  world.overhear([&](std::size_t device, std::string_view bytes) {
    const auto frame = decode_server_frame(bytes);
    if (device != member.who().device || !frame->has_send_result()) return;
    refused = refused || frame->send_result().items(0).has_error();
  });
  world.network().set_delay(100, 100);
  const MessageId lost = world.send(member, group, "words", {}).value();
  while (!refused && world.now() < 100'000) world.run_until(world.now() + 1);
  world.overhear(nullptr);
  world.restore(copy);
  world.server().start();
  Refused all;
  world.run_until(world.now() + 60'000);
  const auto fails = [&](const MessageId& id) {
    const auto row = member.disk().outbox.find(id);
    return row != member.disk().outbox.end() && row->second.failed.has_value();
  };
  all.heard = fails(lost);
  if (all.heard) {
    const MessageId answer = world.send(member, group, "words again", lost).value();
    world.run_until(world.now() + 60'000);
    all.all_as_heard = fails(answer);
  }
  world.check_at_rest();
  std::string missing;
  if (!world.settled(&missing)) world.findings().broken(5, missing);
  all.found = world.findings().first();
  return all;
}

TEST(Restore, WhatWasRefusedBeforeIsPlacedOrStaysRefused) {
  bool heard = false;
  bool unheard = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Refused all = refused_on_the_way(seed);
    EXPECT_FALSE(all.found) << "seed " << seed << ": " << all.found->what;
    EXPECT_TRUE(all.all_as_heard) << "seed " << seed;
    (all.heard ? heard : unheard) = true;
  }
  EXPECT_TRUE(heard);
  EXPECT_TRUE(unheard);
}

}  // namespace
}  // namespace kith::sim
