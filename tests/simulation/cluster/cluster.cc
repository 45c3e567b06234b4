// Owners come and go, and the front finds them.
#include "tests/simulation/cluster/cluster.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/cluster/broken_front.h"

namespace kith::sim {
namespace {

constexpr std::uint64_t kBroker = 90;
constexpr std::uint64_t kFirstProcess = 100;
// Each side of a broken connection notices within this time.
constexpr std::int64_t kNoticedMs = 3'000;

std::string name_of(std::uint32_t home) {
  return home == 0 ? "front" : "front " + std::to_string(home);
}

}  // namespace

Cluster::Cluster(World& world, std::uint64_t seed, BrokenInCluster broken)
    : world_(world),
      broken_(broken),
      random_(seed, 50),
      topic_random_(seed, 51),
      cells_random_(seed, 52),
      wire_random_(seed, 53),
      broker_(world.time(), kBroker),
      delays_{&wire_random_, random_.chance(0.3) ? 100 : 3},
      partitions_(kPartitions),
      relays_(world, seed, 2 + seed % 2),
      peers_(world, seed) {
  world_.processes_stand_still(kFrozenMs);
  // Some runs keep few conversations in memory, so that they are read again.
  bounds_.cache = {random_.chance(0.5) ? std::size_t{2} : std::size_t{100}, std::size_t{1} << 30};
  bounds_.large_pushes_per_s = limits::large_pushes_per_s;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    PartitionState& one = partitions_[i];
    one.sides.resize(world_.servers().size());
    one.topic = std::make_shared<SharedTopic>();
    one.topic->broker = &broker_;
    one.topic->random = &topic_random_;
    one.topic->broken = broken.engine;
    one.cells = std::make_shared<Cells>();
    one.cells->replicas = &broker_;
    one.cells->random = &cells_random_;
    one.cells->broken = broken.engine;
    one.shadow = std::make_unique<Shadow>(i, world_.server().disks().partitions()[i], world_);
    one.topic->on_landed = [&one](const server::LogEntry& entry) { one.shadow->landed(entry); };
    one.cells->on_row = [&one] { one.shadow->stored(one.cells->row.value.position); };
    one.cells->on_batch = [this, &one] { batch_begins(one.owner); };
  }
  for (std::uint32_t i = 0; i < world_.servers().size(); ++i) {
    home(i).keeps_foreign = broken.rule == ClusterRule::kForeignNotKept;
    home(i).elsewhere = {[this, i] { return make_partitions(i); }, [this, i] { home_died(i); }};
  }
  const std::int64_t count = random_.between(2, 3);
  for (std::int64_t i = 0; i < count; ++i) begin_process();
  for (std::uint32_t i = 0; i < kPartitions; ++i) assign(i, *processes_[i % processes_.size()]);
}

Cluster::~Cluster() {
  for (const auto& server : world_.servers()) {
    if (server->running()) server->crash();
    server->elsewhere = {};
  }
  processes_.clear();
  broker_.halt();
}

// --- the homes ---

std::vector<server::MakePartition> Cluster::make_partitions(std::uint32_t number) {
  std::vector<server::MakePartition> makers;
  for (PartitionState& one : partitions_) {
    makers.push_back([this, &one, number](const server::PartitionFront& front) {
      server::PartitionFront noted = front;
      noted.stored = [this, &one, number, stored = front.stored](
                         const std::shared_ptr<const server::StoreBatch>& batch) {
        world_.trace().line(name_of(number),
                            "hears that partition " + std::to_string(&one - partitions_.data()) +
                                " has stored up to " + std::to_string(batch->position));
        stored(batch);
      };
      auto made = make_front(noted, home(number).node(), broken_.rule);
      one.sides[number].front = made.get();
      return made;
    });
  }
  return makers;
}

void Cluster::home_died(std::uint32_t number) {
  for (PartitionState& one : partitions_) {
    const auto connection = std::exchange(one.sides[number], {}).connection;
    if (connection) cut(connection, true);
  }
}

void Cluster::offer(OwnerProcess& from, OwnerPart& part, std::uint32_t number) {
  if (world_.now() < from.cut_off_until || !home(number).running()) return;
  home(number).node().after(
      Millis(random_.between(0, 20)),
      [this, partition = part.partition, place = Place{from.number, part.number}, number,
       epoch = part.epoch()] { accept(partition, place, number, epoch); });
}

void Cluster::accept(std::uint32_t partition, Place from, std::uint32_t number,
                     std::uint64_t epoch) {
  PartitionState::Side& side = partitions_[partition].sides[number];
  OwnerPart* offered = part(from);
  if (offered == nullptr || side.front == nullptr) return;
  OwnerProcess& owner = *process(from.process);
  if (world_.now() < owner.cut_off_until) return;
  const auto fresh = std::make_shared<Connection>();
  fresh->partition = partition;
  fresh->home = number;
  fresh->process = from.process;
  fresh->part = from.part;
  fresh->front = home(number).starts();
  fresh->to_owner = std::make_shared<Wire>(owner.process, delays_);
  fresh->to_front = std::make_shared<Wire>(home(number).node(), delays_);
  const auto connected = side.front->connect(offered->front(number), *fresh->to_owner, epoch);
  const std::string name =
      "owner " + std::to_string(from.process) + " of partition " + std::to_string(partition);
  if (!connected) return world_.trace().line(name_of(number), "refuses " + name);
  world_.trace().line(name_of(number), "connects to " + name + ", epoch " + std::to_string(epoch));
  fresh->number = *connected;
  if (side.connection) cut(side.connection, true);
  side.connection = fresh;
  fresh->to_owner->post([this, from, fresh, &link = side.front->link()] {
    if (OwnerPart* there = part(from)) there->connect(link, fresh);
  });
}

void Cluster::cut(const std::shared_ptr<Connection>& connection, bool by_front) {
  connection->to_owner->cut();
  connection->to_front->cut();
  tell_owner(connection);
  if (!by_front) tell_front(connection, random_.between(0, calm_ ? 100 : kNoticedMs));
}

void Cluster::cut_all(const OwnerPart& part) {
  for (const OwnerPart::Side& side : part.sides) {
    if (side.connection) cut(side.connection, false);
  }
  for (const PartitionState::Side& side : partitions_[part.partition].sides) {
    if (side.connection && side.connection->part == part.number) cut(side.connection, false);
  }
}

void Cluster::tell_owner(const std::shared_ptr<Connection>& connection) {
  OwnerProcess* owner = process(connection->process);
  if (owner == nullptr) return;
  owner->process.after(Millis(random_.between(0, calm_ ? 100 : kNoticedMs)),
                       [this, connection, place = Place{connection->process, connection->part}] {
                         if (OwnerPart* there = part(place)) there->disconnect(*connection);
                       });
}

void Cluster::tell_front(const std::shared_ptr<Connection>& connection, std::int64_t ms) {
  ServerNode& there = home(connection->home);
  if (!there.running()) return;
  there.node().after(Millis(ms), [this, connection] {
    PartitionState::Side& side = partitions_[connection->partition].sides[connection->home];
    if (side.front == nullptr || connection->front != home(connection->home).starts()) return;
    side.front->disconnect(connection->number);
    if (side.connection == connection) side.connection.reset();
  });
}

// --- processes ---

OwnerProcess& Cluster::begin_process() {
  processes_.push_back(std::make_unique<OwnerProcess>(world_.time(), kFirstProcess + begun_++));
  return *processes_.back();
}

OwnerProcess* Cluster::process(std::uint64_t number) {
  for (const auto& each : processes_) {
    if (each->number == number) return each.get();
  }
  return nullptr;
}

OwnerPart* Cluster::part(Place at) {
  OwnerProcess* there = process(at.process);
  return there == nullptr ? nullptr : there->part(at.part);
}

OwnerProcess& Cluster::other_process(std::uint64_t than) {
  std::vector<OwnerProcess*> others;
  for (const auto& each : processes_) {
    if (each->number != than && !each->process.frozen()) others.push_back(each.get());
  }
  return others.empty() ? any_process() : *others[random_.below(others.size())];
}

void Cluster::kill(std::uint64_t number) {
  const auto it = std::find_if(processes_.begin(), processes_.end(),
                               [number](const auto& each) { return each->number == number; });
  if (it == processes_.end()) return;
  world_.trace().line("owner " + std::to_string(number), "is killed");
  const auto gone = std::move(*it);
  processes_.erase(it);
  for (const auto& part : gone->parts) cut_all(*part);
}

void Cluster::assign(std::uint32_t partition, OwnerProcess& to) {
  PartitionState& one = partitions_[partition];
  const std::uint64_t number = ++parts_begun_;
  const auto homes = static_cast<std::uint32_t>(world_.servers().size());
  to.parts.push_back(std::make_unique<OwnerPart>(
      number, partition, OwnerPart::Engines{one.topic, one.cells, bounds_, homes}, to.process,
      broken_.rule));
  one.owner = to.number;
  one.part = number;
  OwnerPart& fresh = *to.parts.back();
  const auto started = fresh.owned().start();
  world_.trace().line("owner " + std::to_string(to.number),
                      "gets partition " + std::to_string(partition) + ", " +
                          (started ? "store at " + std::to_string(one.cells->row.value.position)
                                   : started.error().to_string()));
  look_after({to.number, number});
}

void Cluster::assign_later(std::uint32_t partition, std::uint64_t not_to, std::int64_t ms) {
  const std::uint64_t before = partitions_[partition].part;
  world_.at(world_.now() + ms, [this, partition, not_to, before] {
    if (calm_ || partitions_[partition].part != before) return;
    if (processes_.empty()) begin_process();
    assign(partition, other_process(not_to));
  });
}

void Cluster::drop(Place at) {
  OwnerProcess* there = process(at.process);
  if (there == nullptr) return;
  const auto it = std::find_if(there->parts.begin(), there->parts.end(),
                               [at](const auto& each) { return each->number == at.part; });
  if (it == there->parts.end()) return;
  world_.trace().line("owner " + std::to_string(at.process),
                      "drops partition " + std::to_string((*it)->partition));
  const auto gone = std::move(*it);
  there->parts.erase(it);
  cut_all(*gone);
}

void Cluster::drop_later(Place at, std::int64_t ms) {
  world_.at(world_.now() + ms, [this, at] {
    if (!calm_) drop(at);
  });
}

void Cluster::look_after(Place at) {
  const OwnerPart* now = part(at);
  const bool rests = calm_ && now != nullptr &&
                     std::all_of(now->sides.begin(), now->sides.end(),
                                 [](const auto& side) { return side.connection != nullptr; });
  const Millis wait(rests ? 2'000 : random_.between(40, 200));
  process(at.process)->process.after(wait, [this, at] {
    OwnerPart* found = part(at);
    if (found == nullptr) return;
    look_at(*process(at.process), *found);
    look_after(at);
  });
}

void Cluster::look_at(OwnerProcess& there, OwnerPart& one) {
  const bool assigned = partitions_[one.partition].part == one.number && !one.leaving;
  if (!one.serving()) {
    // By mistake an old one may try too.
    if (assigned || (!calm_ && !one.leaving && random_.chance(0.01))) {
      one.owned().shard().ownership().take_over();
    }
  }
  for (std::uint32_t i = 0; i < one.sides.size(); ++i) look_at(there, one, i);
}

void Cluster::look_at(OwnerProcess& there, OwnerPart& one, std::uint32_t number) {
  const OwnerPart::Side& side = one.sides[number];
  const bool serving = one.serving();
  const bool useless = side.refused || (!serving && !one.front(number).is_connected());
  if (side.connection && useless) cut(side.connection, false);
  if (serving && !side.connection) offer(there, one, number);
}

std::string Cluster::difference() const {
  for (const PartitionState& one : partitions_) {
    const OneHistory& history = one.shadow->history();
    if (!history.placed_twice().empty()) return history.placed_twice();
    if (std::string other = history.difference(*one.cells); !other.empty()) return other;
  }
  return {};
}

}  // namespace kith::sim
