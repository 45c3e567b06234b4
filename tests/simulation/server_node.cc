// Start, crash, start again on the same disks.
#include "tests/simulation/server_node.h"

#include <utility>

namespace kith::sim {
namespace {

constexpr std::uint64_t kFirstHome = 60;

}  // namespace

// A hash is the password behind "hash of ", after a while.
struct ServerNode::Passwords : server::PasswordHasher {
  explicit Passwords(Node& of) : node(of) {}
  void hash(const server::Turn&, std::string password,
            std::function<void(Result<std::string>)> done) override {
    node.after(kTakes, [hash = hash_of(password), done = std::move(done)] { done(hash); });
  }
  void verify(const server::Turn&, std::string password, std::string hash,
              std::function<void(Result<bool>)> done) override {
    node.after(kTakes, [fits = hash_of(password) == hash, done = std::move(done)] { done(fits); });
  }
  static constexpr Millis kTakes{50};
  Node& node;
};

// A token is the handle behind "token of ". It never expires: hosts issue new ones on request.
struct ServerNode::Tokens : server::Authenticator {
  explicit Tokens(ServerNode& of) : owner(of) {}
  void authenticate(std::string_view token,
                    std::function<void(Result<server::Identity>)> done) override {
    constexpr std::string_view kPrefix = "token of ";
    if (token.substr(0, kPrefix.size()) != kPrefix) {
      return done(make_error(ErrorCode::kUnauthenticated, "no token of this host"));
    }
    server::Identity identity;
    identity.handle = std::string(token.substr(kPrefix.size()));
    const bool stranger = identity.handle == "greedy" || identity.handle == "modest";
    if (stranger && owner.broken_ == Rule::kBudgetOutlives) {
      identity.handle += std::to_string(++comings);
    } else if (stranger && owner.broken_ == Rule::kBudgetIsOnes) {
      identity.handle = "somebody";
    }
    identity.issued_ms = owner.node_.clock().wall().ms;
    if (owner.token_life.count() > 0) {
      identity.expires_ms = identity.issued_ms + owner.token_life.count();
    }
    done(identity);
  }
  ServerNode& owner;
  int comings = 0;
};

ServerNode::Ports::Partition::Partition(ServerNode& owner, std::uint32_t number, PortsWatch& watch,
                                        const bool& after_change)
    : log(owner.disks_, number, owner.node_, watch, owner.broken_, owner.port_random_,
          after_change),
      store(owner.disks_, number, owner.node_, watch, owner.broken_, owner.port_random_) {}

ServerNode::Ports::Ports(ServerNode& owner, PortsWatch& watch)
    : feeds(owner.disks_, owner.home_.number, owner.node_, owner.broken_),
      directory(owner.disks_.directory, owner.node_, watch, owner.broken_, after_change),
      registry(owner.home_, owner.node_, watch, owner.port_random_, owner.broken_),
      bus(owner.home_, owner.node_, registry, watch, owner.port_random_, owner.disks_,
          owner.broken_),
      index(owner.disks_, owner.node_, watch, owner.broken_) {
  for (std::uint32_t i = 0; i < owner.disks_.count() && !owner.elsewhere.make; ++i) {
    partitions.push_back(std::make_unique<Partition>(owner, i, watch, after_change));
  }
}

ServerNode::ServerNode(VirtualTime& time, Entrance& entrance, Trace& trace, PortsWatch& watch,
                       ServerDisks& disks, const server::Home& home, std::uint64_t seed,
                       Rule broken)
    : time_(time),
      entrance_(&entrance),
      trace_(trace),
      watch_(watch),
      broken_(broken),
      node_(time, home.number == 0 ? 1 : kFirstHome + home.number),
      random_(seed, home.number == 0 ? 1 : kFirstHome + 2 * home.number),
      port_random_(seed, home.number == 0 ? 2 : kFirstHome + 2 * home.number + 1),
      disks_(disks),
      home_(home),
      passwords_(std::make_unique<Passwords>(node_)) {}

ServerNode::~ServerNode() {
  if (core_) crash();
}

bool ServerNode::start() {
  ++starts_;
  ports_ = std::make_unique<Ports>(*this, watch_);
  if (keeps_foreign) ports_->directory.keeps_all_but = &home_;
  tune();
  if (elsewhere.make) logs_that_keep_all.clear();
  for (const std::uint32_t i : logs_that_keep_all) {
    // The store has lost its position: some records are read again.
    if (port_random_.chance(0.5)) ports_->partitions[i]->store.replay = port_random_.below(40);
  }
  server::ServerOptions options;
  options.secret = std::string(32, 's');
  options.authenticator = std::make_shared<Tokens>(*this);
  options.register_accounts = true;
  options.send_queue_hard_bytes = send_queue_hard_bytes;
  options.account_commands_per_s = account_commands_per_s;
  options.account_commands_burst = account_commands_burst;
  disks_.begin_run(starts_, broken_ == Rule::kRunsCountAllLogs ? 1 : disks_.count(),
                   elsewhere.make != nullptr, home_.number);
  history_.emplace(disks_.runs(home_.number));
  core_ = server::ServerCore::make(
      options,
      {partition_ports(), ports_->feeds, ports_->directory, ports_->registry, ports_->bus,
       *passwords_, &ports_->index, index_step, broken_ == Rule::kRunsTold ? nullptr : &*history_,
       nullptr, elsewhere.make ? elsewhere.make() : std::vector<server::MakePartition>(), home_,
       peers.make ? peers.make() : nullptr},
      node_, random_, *entrance_, marks);
  if (peers.begun) peers.begun(core_->presence());
  if (Status s = core_->start(); !s) {
    trace_.line(name(), "cannot start: " + s.error().to_string());
    end();
    return false;
  }
  watch_.started(home_, options);
  entrance_->listen(*core_, node_);
  std::string ends;
  for (const PartitionDisks& part : disks_.partitions()) {
    ends += ", log at " + std::to_string(part.log->last) + ", store at " +
            std::to_string(part.store->applied);
  }
  trace_.line(name(), "starts" + ends);
  return true;
}

std::vector<server::PartitionPorts> ServerNode::partition_ports() const {
  std::vector<server::PartitionPorts> ports;
  const std::size_t count = ports_->partitions.size();
  if (count == 0) return ports;
  const bool later = starts_ > 1;
  const std::size_t first = later && broken_ == Rule::kPartitionOrder ? 1 : 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto& part = *ports_->partitions[(first + i) % count];
    ports.push_back({part.log, part.store});
  }
  if (later && broken_ == Rule::kPartitionCount && count > 1) ports.pop_back();
  return ports;
}

void ServerNode::crash() {
  trace_.line(name(), "crashes");
  end();
}

std::string ServerNode::name() const {
  return home_.number == 0 ? "server" : "server " + std::to_string(home_.number);
}

void ServerNode::end() {
  if (elsewhere.died) elsewhere.died();
  if (peers.died) peers.died();
  entrance_->server_died();
  core_.reset();
  ports_.reset();
  node_.halt();
}

void ServerNode::drain(Millis window, std::function<void()> ended) {
  if (!core_) return;
  trace_.line("server", "drains");
  core_->drain(window, [this, core = core_.get(), ended = std::move(ended)] {
    time_.at(time_.now(), node_.number(), [this, core, ended] {
      if (core_.get() != core) return;
      const auto then = ended;  // this task goes with the process
      crash();
      then();
    });
  });
}

void ServerNode::tune() {
  if (!ports_) return;
  ports_->bus.loss = bus_loss;
  ports_->bus.delay_max = bus_delay_max;
  ports_->bus.says_loss = bus_says_loss;
  ports_->registry.add_delay_max = registry_delay_max;
  ports_->registry.add_fails = registry_fails;
  if (elsewhere.make) return;
  for (const std::uint32_t i : logs_that_keep_all) ports_->partitions[i]->log.keeps_all = true;
}

std::uint64_t ServerNode::rows_read() const {
  if (!ports_) return 0;
  std::uint64_t rows = ports_->feeds.rows_read;
  for (const auto& part : ports_->partitions) rows += part->store.rows_read;
  return rows;
}

void ServerNode::restore(const ServerDisks::Copy& copy) {
  if (core_) crash();
  disks_.restore(copy);
}

void ServerNode::forget_sessions() {
  if (ports_) ports_->registry.forget();
}

}  // namespace kith::sim
