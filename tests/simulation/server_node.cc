// The simulated server machine: start, crash, start again on the same disks.
#include "tests/simulation/server_node.h"

#include <utility>

namespace kith::sim {

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

ServerNode::Ports::Ports(ServerNode& owner, PortsWatch& watch)
    : log(owner.log_disk_, owner.node_, watch, owner.broken_, owner.port_random_),
      store(owner.store_disk_, owner.node_, watch, owner.broken_, owner.port_random_),
      feeds(owner.feed_disk_, owner.node_, owner.broken_),
      directory(owner.directory_disk_, owner.node_, watch, owner.broken_, log),
      registry(owner.node_, watch, owner.port_random_, owner.broken_),
      bus(owner.node_, registry, watch, owner.port_random_, owner.log_disk_, owner.broken_),
      index(owner.index_disk_, owner.node_, watch, owner.broken_) {}

ServerNode::ServerNode(VirtualTime& time, Network& network, Trace& trace, PortsWatch& watch,
                       std::uint64_t seed, Rule broken)
    : time_(time),
      network_(network),
      trace_(trace),
      watch_(watch),
      broken_(broken),
      node_(time, 1),
      random_(seed, 1),
      port_random_(seed, 2),
      log_disk_(std::make_shared<server::CommandLogMemory::Disk>()),
      store_disk_(std::make_shared<server::ConversationStoreMemory::Disk>()),
      feed_disk_(std::make_shared<server::FeedStoreMemory::Disk>()),
      directory_disk_(std::make_shared<server::DirectoryMemory::Disk>()),
      index_disk_(std::make_shared<server::SearchIndexMemory::Disk>()),
      passwords_(std::make_unique<Passwords>(node_)) {}

ServerNode::~ServerNode() {
  if (core_) crash();
}

bool ServerNode::start() {
  ++starts_;
  ports_ = std::make_unique<Ports>(*this, watch_);
  tune();
  // The store has lost its position: some records are read again.
  if (log_keeps_all && port_random_.chance(0.5)) ports_->store.replay = port_random_.below(40);
  server::ServerOptions options;
  options.secret = std::string(32, 's');
  options.authenticator = std::make_shared<Tokens>(*this);
  options.register_accounts = true;
  options.send_queue_hard_bytes = send_queue_hard_bytes;
  options.account_commands_per_s = account_commands_per_s;
  options.account_commands_burst = account_commands_burst;
  server::Run run;
  run.id = "run" + std::to_string(starts_);
  run.id.resize(16);
  run.first = log_disk_->last + 1;
  run.copied = std::exchange(copied_, false);
  if (!log_disk_->entries.empty()) {
    run.kept_until_ms = log_disk_->entries.back().record.gateway_ts_ms;
  }
  runs_.push_back(run);
  history_.emplace(runs_);
  core_ = server::ServerCore::make(options,
                                   {{{ports_->log, ports_->store}},
                                    ports_->feeds,
                                    ports_->directory,
                                    ports_->registry,
                                    ports_->bus,
                                    *passwords_,
                                    &ports_->index,
                                    index_step,
                                    broken_ == Rule::kRunsTold ? nullptr : &*history_},
                                   node_, random_, network_, marks);
  if (Status s = core_->start(); !s) {
    trace_.line("server", "cannot start: " + s.error().to_string());
    core_.reset();
    ports_.reset();
    node_.halt();
    return false;
  }
  watch_.started(options);
  network_.listen(*core_, node_);
  trace_.line("server", "starts, log at " + std::to_string(log_disk_->last) + ", store at " +
                            std::to_string(store_disk_->applied));
  return true;
}

void ServerNode::crash() {
  trace_.line("server", "crashes");
  network_.server_died();
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
  ports_->log.keeps_all = log_keeps_all;
}

ServerNode::Copy ServerNode::copy() const {
  return {*log_disk_, *store_disk_, *feed_disk_, *directory_disk_, *index_disk_, runs_};
}

void ServerNode::restore(const Copy& copy) {
  if (core_) crash();
  *log_disk_ = copy.log;
  *store_disk_ = copy.store;
  *feed_disk_ = copy.feeds;
  *directory_disk_ = copy.directory;
  *index_disk_ = copy.index;
  runs_ = copy.runs;
  copied_ = true;
}

void ServerNode::forget_sessions() {
  if (ports_) ports_->registry.forget();
}

}  // namespace kith::sim
