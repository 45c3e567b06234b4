// Faults: each kind is on or off for a whole run, so that runs differ.
#include "tests/simulation/faults.h"

#include <algorithm>
#include <memory>
#include <string>

namespace kith::sim {
namespace {

constexpr std::int64_t kClockStepMs = 60'000;
constexpr std::int64_t kDayMs = 24 * 60 * 60'000;
constexpr std::int64_t kYearsMs = 30 * 365 * kDayMs;
constexpr std::int64_t kCopyTakesMs = 8'000;

}  // namespace

Faults::Faults(World& world, std::uint64_t seed)
    : world_(world), random_(seed, 5), changes_(seed, 28), sessions_(seed, 34), copies_(seed, 35) {
  world_.on_device_died([this](Device& device) { revive(device); });
  world_.on_server_died([this] { revive_server(); });
  for (std::uint32_t i = 0; i < world_.server().disks().count(); ++i) {
    partitions_.push_back(std::make_unique<PartitionFaults>(world_, i, seed));
  }
}

Faults::~Faults() {
  calm_disks();
  world_.on_device_died(nullptr);
  world_.on_server_died(nullptr);
}

void Faults::calm_disks() {
  for (auto& partition : partitions_) partition->calm();
  const ServerDisks& disks = world_.server().disks();
  auto& feeds = *disks.feeds();
  feeds.apply_delay = feeds.read_delay = nullptr;
  feeds.apply_fault = nullptr;
  feeds.read_fault = nullptr;
  feeds.survives_crash = nullptr;
  disks.directory->delay = nullptr;
  disks.directory->fault = nullptr;
  auto& index = *disks.index;
  index.delay = nullptr;
  index.add_fault = index.read_fault = nullptr;
  index.lost_at_crash = nullptr;
  for (auto& device : world_.devices()) device->faults = {};
}

void Faults::sometimes(int most, std::int64_t until, const std::function<void()>& what) {
  if (random_.chance(0.5)) return;
  const std::int64_t count = random_.between(1, most);
  for (std::int64_t i = 0; i < count; ++i) {
    world_.at(random_.between(0, until), [this, what] {
      if (!stopped_) what();
    });
  }
}

Faults::Window Faults::window(std::int64_t until, std::int64_t longest) {
  const std::int64_t from = random_.between(0, until);
  return {from, from + random_.between(1'000, longest)};
}

void Faults::plan(std::int64_t until) {
  if (random_.chance(0.1)) return;  // nothing but people
  plan_network(until);
  plan_devices(until);
  plan_server(until);
  plan_disks(until);
  for (auto& partition : partitions_) partition->plan(until);
}

// --- network ---

void Faults::plan_network(std::int64_t until) {
  if (random_.chance(0.3)) world_.network().set_delay(1, random_.between(100, 2'000));
  sometimes(8, until, [this] {
    world_.trace().line("fault", "cut");
    world_.network().cut(any_device().who().device);
  });
  sometimes(4, until, [this] {
    world_.trace().line("fault", "half-open");
    world_.network().silence(any_device().who().device);
  });
  const auto for_a_while = [this](std::int64_t longest, auto set) {
    const std::size_t device = any_device().who().device;
    set(device, true);
    world_.at(world_.now() + random_.between(1'000, longest),
              [set, device] { set(device, false); });
  };
  sometimes(3, until, [this, for_a_while] {
    world_.trace().line("fault", "slow reader");
    for_a_while(60'000, [this](std::size_t d, bool on) { world_.network().stall(d, on); });
  });
  sometimes(3, until, [this, for_a_while] {
    world_.trace().line("fault", "no way to the server");
    const std::size_t device = any_device().who().device;
    world_.network().silence(device);
    for_a_while(60'000, [this](std::size_t d, bool on) { world_.network().strand(d, on); });
  });
}

// --- devices ---

void Faults::plan_devices(std::int64_t until) {
  sometimes(6, until, [this] { kill_device(any_device()); });
  sometimes(6, until, [this] { kill_in_commit(any_device()); });
  sometimes(3, until, [this] {
    Device& device = any_device();
    world_.trace().line("fault", "the clock of " + device.who().name + " is set");
    touch_clock(device.node());
  });
  sometimes(3, until, [this] {
    Device& device = any_device();
    const Window full{world_.now(), world_.now() + random_.between(1'000, 20'000)};
    const double often = random_.chance(0.5) ? 1.0 : 0.3;
    world_.trace().line("fault", "the disk of " + device.who().name + " is full");
    device.faults.full = [this, full, often](CommitPoint) {
      return in(full) && random_.chance(often);
    };
  });
}

// By seconds, as clocks step by themselves, by up to a day, or by years, or right.
void Faults::touch_clock(Node& node) {
  switch (random_.below(5)) {
    case 0:
      return node.jump(Millis(random_.between(-kClockStepMs, kClockStepMs)));
    case 1:
      return node.jump(Millis(random_.between(-kDayMs, kDayMs)));
    case 2:
      return node.set_clock();
    default:
      node.set_clock(Millis(random_.between(-kYearsMs, kYearsMs)));
  }
}

void Faults::kill_device(Device& device) {
  if (device.engine() == nullptr) return;
  device.crash(random_.chance(0.3));
  revive(device);
}

// At one of the next commits, before, inside or after it.
void Faults::kill_in_commit(Device& device) {
  const auto left = std::make_shared<std::int64_t>(random_.between(0, 8));
  const auto where = static_cast<CommitPoint>(random_.below(3));
  device.faults.killed = [this, left, where](CommitPoint point) {
    if (stopped_ || point != where || *left < 0) return false;
    return --*left < 0;
  };
}

void Faults::revive(Device& device) {
  const std::int64_t wait = random_.chance(0.5) ? 0 : random_.between(0, 20'000);
  world_.at(world_.now() + wait, [this, &device] {
    if (!device.start()) revive(device);
  });
}

// --- server ---

void Faults::plan_server(std::int64_t until) {
  ServerNode& server = world_.server();
  const std::uint64_t dice = random_.below(10);
  if (dice < 3) server.bus_loss = dice == 0 ? 1.0 : 0.2;
  if (random_.chance(0.2)) server.bus_delay_max = 300;
  server.bus_says_loss = sessions_.chance(0.5);
  if (sessions_.chance(0.4)) server.registry_delay_max = sessions_.chance(0.5) ? 300 : 5'000;
  if (sessions_.chance(0.2)) server.registry_fails = 0.5;
  server.tune();
  if (random_.chance(0.3)) server.token_life = Millis(random_.between(5'000, 60'000));
  sometimes(4, until, [this] { crash_server(); });
  sometimes(1, until, [this] {
    world_.server().drain(Millis(random_.between(0, 5'000)), [this] { revive_server(); });
  });
  // Between what the directory has and what the conversations hear of it.
  if (changes_.chance(0.5)) {
    for (int times = 0; times < 3; ++times) {
      world_.at(changes_.between(0, until), [this] {
        if (!stopped_) world_.crash_server_after_change(static_cast<int>(changes_.below(3)));
      });
    }
  }
  if (copies_.chance(0.3)) {
    world_.at(copies_.between(0, until), [this] {
      hold_log(!stopped_);
      world_.at(world_.now() + copies_.between(1'000, 20'000), [this] { hold_log(false); });
    });
  }
  sometimes(3, until, [this] {
    world_.trace().line("fault", "the registry forgets");
    world_.server().forget_sessions();
  });
  sometimes(3, until, [this] {
    if (restores_) return;
    world_.trace().line("fault", "the clock of the server is set");
    touch_clock(world_.server().node());
  });
}

void Faults::plan_restore(std::int64_t until) {
  restores_ = true;
  const std::int64_t from = random_.between(until / 10, until / 2);
  const std::int64_t takes = copies_.chance(0.5) ? copies_.between(1'000, kCopyTakesMs) : 0;
  world_.at(from, [this, takes] {
    world_.trace().line("fault", "a copy of the server is made");
    copy_ = world_.server().disks().copy();
    if (takes > 0 && world_.server().running()) copy_by_parts(takes);
  });
  world_.at(random_.between(from + takes + 1'000, until - 1'000), [this] {
    world_.restore(*copy_);
    revive_server();
  });
}

// As a backup is made: first the stores, then the logs behind them, one after the other, and then the rest. If the
// process ends meanwhile the copy is made at once.
void Faults::copy_by_parts(std::int64_t takes_ms) {
  ServerNode& server = world_.server();
  const std::uint64_t process = server.starts();
  copy_->whole_ms = server.node().clock().wall().ms;
  copy_->index = {};  // made anew
  hold_log(true);
  const auto later = [this, takes_ms, process](std::int64_t tenth, auto&& take) {
    world_.at(world_.now() + takes_ms * tenth / 10, [this, process, take] {
      const ServerNode& now = world_.server();
      if (copy_->whole_ms == 0) return;
      if (now.running() && now.starts() == process) return take();
      copy_ = now.disks().copy();
    });
  };
  for (std::uint32_t i = 0; i < server.disks().count(); ++i) {
    later(i, [this, i] { copy_->stores[i] = world_.server().disks().store(i); });
    later(4 + i, [this, i] { copy_->logs[i] = world_.server().disks().log(i); });
  }
  later(9, [this] { copy_->feeds = *world_.server().disks().feeds(); });
  later(10, [this] {
    copy_->directory = *world_.server().disks().directory;
    hold_log(false);
  });
}

void Faults::hold_log(bool held) {
  if (server::ServerCore* core = world_.server().core()) core->hold_log(held, [](const Status&) {});
}

void Faults::crash_server() {
  world_.crash_server_after(static_cast<int>(random_.below(60)));
}

void Faults::revive_server() {
  const std::int64_t wait = random_.chance(0.5) ? 100 : random_.between(100, 20'000);
  world_.at(world_.now() + wait, [this] {
    if (!world_.server().running() && !world_.server().start()) revive_server();
  });
}

void Faults::plan_disks(std::int64_t until) {
  if (random_.chance(0.6)) slow_disks();
  if (random_.chance(0.7)) {
    world_.server().disks().feeds()->survives_crash = [this] { return random_.chance(0.5); };
    world_.server().disks().index->lost_at_crash = [this] { return random_.below(4); };
  }
  if (random_.chance(0.5)) failing_disks(window(until, 30'000));
}

void Faults::slow_disks() {
  const auto delay = [this](std::int64_t usual) {
    return [this, usual] {
      if (stopped_) return Millis(0);
      return Millis(random_.chance(0.02) ? random_.between(0, 3'000) : random_.between(0, usual));
    };
  };
  const ServerDisks& disks = world_.server().disks();
  if (random_.chance(0.7)) disks.feeds()->apply_delay = delay(500);
  if (random_.chance(0.5)) disks.feeds()->read_delay = delay(20);
  if (random_.chance(0.5)) disks.directory->delay = delay(20);
  if (random_.chance(0.5)) disks.index->delay = delay(1'000);
}

void Faults::failing_disks(Window w) {
  const auto fault = [this, w](double often, ErrorCode code) {
    return [this, w, often, code]() -> std::optional<Error> {
      if (!in(w) || !random_.chance(often)) return std::nullopt;
      return make_error(code, "the simulated disk");
    };
  };
  const ServerDisks& disks = world_.server().disks();
  if (random_.chance(0.3)) {
    const bool damage = random_.chance(0.5);
    disks.index->add_fault =
        fault(damage ? 0.1 : 0.3, damage ? ErrorCode::kCacheCorrupt : ErrorCode::kDiskFull);
    disks.index->read_fault = fault(0.2, ErrorCode::kUnavailable);
  }
  if (random_.chance(0.3)) {
    disks.directory->fault = fault(0.1, ErrorCode::kUnavailable);
  }
  if (random_.chance(0.5)) {
    disks.feeds()->read_fault = fault(0.2, ErrorCode::kUnavailable);
  }
  if (random_.chance(0.5)) {
    disks.feeds()->apply_fault = [this, w]() -> std::optional<server::FeedStoreMemory::ApplyFault> {
      if (!in(w) || !random_.chance(0.5)) return std::nullopt;
      return server::FeedStoreMemory::ApplyFault{make_error(ErrorCode::kTimeout, "nobody knows"),
                                                 random_.chance(0.5)};
    };
  }
}

void Faults::stop() {
  stopped_ = true;
  world_.trace().line("fault", "no more");
  world_.crash_server_after(-1);
  world_.crash_server_after_change(-1);
  calm_disks();
  world_.network().heal();
  ServerNode& server = world_.server();
  server.registry_delay_max = 0;
  server.registry_fails = 0;
  if (server.bus_loss < 1) server.bus_loss = 0;  // all live pushes lost: to the end
  server.tune();
  server.token_life =
      Millis{0};  // a session that ends again and again would never let the run settle
  if (!server.running()) server.start();
  for (auto& device : world_.devices()) {
    device->wants_online = true;
    device->start();
    device->engine()->connection().set_background(false);
    device->engine()->connection().start();
  }
}

}  // namespace kith::sim
