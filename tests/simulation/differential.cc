// Differential: a plan of the open actions of all people, and of the secret ones.
#include "tests/simulation/differential.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/simulation/scenario.h"
#include "tests/simulation/told.h"
#include "tests/simulation/world.h"

namespace kith::sim {
namespace {

constexpr auto kIgnore = [](const auto&) {};

// Open actions happen on a grid, secrets between its points, so that neither moves a timer of the
// other: the network always takes the same time, and everything has settled by then.
constexpr std::int64_t kStepMs = 1'000;
constexpr std::int64_t kBetweenMs = kStepMs / 2;
constexpr std::int64_t kDelayMs = 5;
constexpr std::int64_t kYearMs = 365LL * 24 * 60 * 60'000;

constexpr std::int64_t kFirstMessageAt = 4 * kStepMs + kBetweenMs;
constexpr std::int64_t kEarlySettingsAt = kStepMs;
constexpr std::int64_t kSettingsAt = 5 * kStepMs;
constexpr std::int64_t kLeavingAt = 20 * kStepMs;
constexpr std::int64_t kRestartAt = 60 * kStepMs;  // then quiet, while all come back
constexpr std::int64_t kSecondHalfAt = 140 * kStepMs;
constexpr std::int64_t kLateDeviceAt =
    170 * kStepMs;  // one of the victim's has seen nothing so far
constexpr std::int64_t kEnd = 185 * kStepMs;

constexpr std::size_t kVictim = 0;  // a user
constexpr std::size_t kOther = 1;   // who keeps a secret
const std::vector<int> kDevicesOf{2, 2, 1, 1};

class Run {
 public:
  Run(const DifferentialOptions& options, bool with_secret)
      : options_(options),
        secret_(with_secret),
        world_(options.seed, kDevicesOf, options.broken, partitions_of(options.seed),
               with_secret && options.secret == Secret::kDevices ? options.seed + 1'000'000
                                                                 : options.seed),
        open_(options.seed, 20),
        hidden_(options.seed, 21) {
    world_.network().set_delay(kDelayMs, kDelayMs);
    world_.overhear([this](std::size_t device, std::string_view frame) {
      if (device < static_cast<std::size_t>(kDevicesOf[kVictim])) {
        told_.add(world_.now(), device, frame);
      }
    });
    world_.devices()[1]->wants_online = false;  // the victim's second one
    if (with_secret && options.secret == Secret::kDevices) set_clocks();
  }

  std::vector<Told::Line> go() {
    world_.server().start();
    for (auto& device : world_.devices()) device->start();
    prepare();
    plan_open(7 * kStepMs, kRestartAt - 10 * kStepMs);
    plan_open(kSecondHalfAt, kEnd - 5 * kStepMs);
    plan_restart();
    world_.at(kLateDeviceAt, [this] {
      device(kVictim, 1).wants_online = true;
      device(kVictim, 1).engine()->connection().start();
    });
    if (secret_) plan_hidden();
    world_.run_until(kEnd);
    for (const auto& [id, events] : world_.truth().events()) {
      told_.random_id(id.view());
      for (const auto& [seq, event] : events) told_.random_id(event.message_id.view());
    }
    return told_.lines();
  }
  [[nodiscard]] const std::optional<Violation>& violation() { return world_.findings().first(); }

 private:
  Device& device(std::size_t user, std::size_t which = 0) {
    std::size_t first = 0;
    for (std::size_t u = 0; u < user; ++u) first += static_cast<std::size_t>(kDevicesOf[u]);
    return *world_.devices()[first + which];
  }
  client::Engine& engine(std::size_t user) { return *device(user).engine(); }
  // By a device of the user that is up then.
  void at(std::int64_t when, std::size_t user, std::function<void(client::Engine&)> what) {
    world_.at(when, [this, user, what = std::move(what)] {
      if (device(user).engine() != nullptr) what(engine(user));
    });
  }
  void set_clocks() {
    for (std::size_t d = static_cast<std::size_t>(kDevicesOf[kVictim]); d < world_.devices().size();
         ++d) {
      world_.devices()[d]->node().jump(Millis(hidden_.between(-30 * kYearMs, 60 * kYearMs)));
    }
  }

  void prepare() {
    const auto user = [](std::size_t u) { return World::user_of(u); };
    at(2 * kStepMs, kVictim, [this, user](client::Engine& own) {
      kept_ = own.outgoing().create_group("kept", {user(1), user(2)}).value();
    });
    // In some of the runs the secret is older than the first message that there is.
    const bool early = open_.chance(options_.secret == Secret::kReading ? 0.5 : 0.25);
    // Other devices make other ids, and clients ask in the order of ids: the victim makes them then.
    const bool own_group = early || options_.secret == Secret::kDevices;
    at(3 * kStepMs, own_group ? kVictim : kOther, [this, user](client::Engine& own) {
      left_ = own.outgoing().create_group("left", {user(0), user(1), user(2)}).value();
    });
    at(4 * kStepMs, kVictim, [user](client::Engine& own) {
      own.people().watch({user(1), user(2), user(3)});
    });
    // In the other half of the runs the first message comes to a closed door, or from behind it.
    if (open_.chance(0.5)) {
      at(kFirstMessageAt, kVictim, [this, user](client::Engine& own) {
        (void)world_.send(device(kVictim), own.outgoing().direct(user(kOther)), "first words", {});
      });
    }
    at(early ? kEarlySettingsAt : kSettingsAt, kOther,
       [this, user](client::Engine& own) { settle_privacy(own, user(0)); });
    at(kSettingsAt, kVictim, [this, user](client::Engine& own) {
      others_ = own.outgoing().create_group("without the other", {user(2), user(3)}).value();
    });
    const bool removed = open_.chance(0.5) && !own_group;
    at(kLeavingAt, removed ? kOther : kVictim, [this, user, removed](client::Engine& own) {
      using client::MemberChangeOf;
      own.groups().change_members(left_, removed ? MemberChangeOf::kRemove : MemberChangeOf::kLeave,
                                  removed ? std::vector{user(0)} : std::vector<UserId>(),
                                  MemberRole::kNone, kIgnore);
    });
  }
  // All people leave before and come back in turns: the draws of a back-off are no secret, and depend
  // on all earlier draws of the device.
  void plan_restart() {
    for (std::size_t d = 0; d < world_.devices().size(); ++d) {
      const auto all = [this, d](std::int64_t when, bool online) {
        world_.at(when, [this, d, online] {
          Device& one = *world_.devices()[d];
          if (!one.wants_online || one.engine() == nullptr) return;
          online ? one.engine()->connection().start() : one.engine()->connection().stop();
        });
      };
      all(kRestartAt - 3 * kStepMs, false);
      all(kRestartAt + static_cast<std::int64_t>(d + 2) * kStepMs, true);
    }
    world_.at(kRestartAt, [this] { world_.server().crash(); });
    world_.at(kRestartAt + 100, [this] { world_.server().start(); });
  }
  void settle_privacy(client::Engine& own, const UserId& victim) {
    client::Privacy privacy;
    if (options_.secret == Secret::kReading) {
      privacy.receipts = false;
      own.settings().set_privacy(privacy, kIgnore);
    } else if (options_.secret == Secret::kBlock && secret_) {
      own.settings().set_blocked(victim, true, kIgnore);
    } else if (options_.secret == Secret::kBlock || options_.secret == Secret::kContacts) {
      const bool contacts = options_.secret == Secret::kContacts && secret_;
      own.settings().set_contact(World::user_of(2), true, kIgnore);
      privacy.online = privacy.last_seen = privacy.first_messages = privacy.group_adds =
          contacts ? client::Audience::kContacts : client::Audience::kNobody;
      own.settings().set_privacy(privacy, kIgnore);
    }
  }

  // --- in the open ---

  void plan_open(std::int64_t from, std::int64_t to) {
    for (std::int64_t when = from; when < to; when += kStepMs) {
      const auto user = static_cast<std::size_t>(open_.below(kDevicesOf.size()));
      const std::uint64_t dice = open_.below(100);
      const std::uint64_t more = open_.below(1'000);
      at(when, user, [this, user, dice, more](client::Engine& own) { act(own, user, dice, more); });
    }
  }
  // A conversation that the victim may see, too.
  ConversationId place(client::Engine& own, std::size_t user, std::uint64_t more) {
    if (user == 3) return own.outgoing().direct(World::user_of(kVictim));
    if (user != kVictim)
      return more % 2 == 0 ? kept_ : own.outgoing().direct(World::user_of(kVictim));
    switch (more % 4) {
      case 0:
        return left_;
      case 1:
        return kept_;
      default:
        return own.outgoing().direct(World::user_of(1 + more % 3));
    }
  }
  void act(client::Engine& own, std::size_t user, std::uint64_t dice, std::uint64_t more) {
    const ConversationId where = place(own, user, more);
    if (dice < 50) {
      (void)world_.send(device(user), where, "words " + std::to_string(more), {});
    } else if (dice < 62) {
      if (user != kOther) (void)own.read_marks().mark(where, Seq());
    } else if (dice < 68) {
      if (user != kOther) own.people().set_typing(where, more % 3 != 0);
    } else if (user != kVictim) {
      (void)world_.send(device(user), where, "more words " + std::to_string(more), {});
    } else if (dice < 76) {
      world_.search(device(user), "words", "", kIgnore);
    } else if (dice < 84) {
      own.history().page(where, Seq(more % 30), 20, kIgnore);
    } else if (dice < 88) {
      own.groups().members(where, kIgnore);
    } else if (dice < 89) {
      (void)own.outgoing().create_group("made later",
                                        {World::user_of(kOther), World::user_of(2 + more % 2)});
    } else if (dice < 91) {
      own.groups().change_members(others_, client::MemberChangeOf::kAdd, {World::user_of(kOther)},
                                  MemberRole::kMember, kIgnore);
    } else if (dice < 94) {
      own.groups().rename(where, "not mine any more", kIgnore);
    } else {
      own.connection().stop();
      at(world_.now() + kStepMs / 4, user, [](client::Engine& back) { back.connection().start(); });
    }
  }

  // --- in secret ---

  void plan_hidden() {
    const auto between = [this](std::int64_t from, std::int64_t to, const auto& what) {
      for (std::int64_t when = from + kBetweenMs; when < to; when += kStepMs) {
        if (hidden_.chance(0.4)) what(when);
      }
    };
    for (const auto& [from, to] : {std::pair{kLeavingAt + 2 * kStepMs, kRestartAt - 10 * kStepMs},
                                   std::pair{kSecondHalfAt, kEnd - 5 * kStepMs}}) {
      if (options_.secret == Secret::kAfterLeaving) {
        between(from, to, [this](std::int64_t when) { act_in_left(when); });
      } else if (options_.secret == Secret::kReading) {
        between(from, to, [this](std::int64_t when) { read(when); });
      }
    }
  }
  void read(std::int64_t when) {
    const std::uint64_t which = hidden_.below(3);
    at(when, kOther, [this, which](client::Engine& own) {
      const ConversationId direct = own.outgoing().direct(World::user_of(kVictim));
      (void)own.read_marks().mark(which == 0 ? kept_ : which == 1 ? left_ : direct, Seq());
    });
  }
  void act_in_left(std::int64_t when) {
    const auto user = static_cast<std::size_t>(hidden_.between(1, 2));
    const std::uint64_t dice = hidden_.below(10);
    at(when, user, [this, user, dice](client::Engine& own) {
      using client::MemberChangeOf;
      const std::vector<UserId> third{World::user_of(3)};
      if (dice < 4) {
        (void)world_.send(device(user), left_, "words that are not for the victim", {});
      } else if (dice < 6) {
        (void)own.read_marks().mark(left_, Seq());
      } else if (dice < 7) {
        own.groups().rename(left_, "without the victim", kIgnore);
      } else if (dice < 9) {
        own.groups().change_members(left_,
                                    dice < 8 ? MemberChangeOf::kAdd : MemberChangeOf::kRemove,
                                    third, MemberRole::kNone, kIgnore);
      } else {
        own.people().set_typing(left_, true);
      }
    });
  }

  const DifferentialOptions options_;
  const bool secret_;
  World world_;
  SeededRandom open_;
  SeededRandom hidden_;
  Told told_;
  ConversationId kept_;
  ConversationId left_;
  ConversationId others_;  // of the victim, without who keeps the secret
};

std::string where(const Told::Line& line) {
  return "at " + std::to_string(line.at) + " d" + std::to_string(line.device) + " " + line.shown;
}

}  // namespace

std::optional<std::string> told_differently(const DifferentialOptions& options) {
  Run without(options, false);
  const auto first = without.go();
  if (without.violation()) return without.violation()->what;
  Run with(options, true);
  const auto second = with.go();
  if (with.violation()) return with.violation()->what;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i >= second.size()) return "only without the secret: " + where(first[i]);
    if (i >= first.size()) return "only with the secret: " + where(second[i]);
    const bool same = first[i].at == second[i].at && first[i].device == second[i].device &&
                      first[i].bytes == second[i].bytes;
    if (!same) return where(first[i]) + ", with the secret: " + where(second[i]);
  }
  return std::nullopt;
}

}  // namespace kith::sim
