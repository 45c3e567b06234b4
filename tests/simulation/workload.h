// Workload: random actions of people on their devices.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Workload {
 public:
  Workload(World& world, std::uint64_t seed) : world_(world), random_(seed, 4) {}

  // Plans `actions` between now and `until`.
  void plan(int actions, std::int64_t until);
  // Nobody's account is deleted.
  void keep_accounts() { keeps_accounts_ = true; }

 private:
  void act();
  void talk(Device& device);
  void change_group(Device& device);
  void change_self(Device& device);
  void change_account(Device& device);
  void look(Device& device);
  void search(Device& device);
  void move(Device& device);

  ConversationId any_conversation(Device& device);
  ConversationId any_group(Device& device);
  UserId any_user() { return World::user_of(random_.below(world_.users())); }
  std::vector<UserId> some_users();
  MessageId any_message(Device& device, const ConversationId& id);

  World& world_;
  SeededRandom random_;
  int words_ = 0;
  int deletions_ = 0;
  bool keeps_accounts_ = false;
};

}  // namespace kith::sim
