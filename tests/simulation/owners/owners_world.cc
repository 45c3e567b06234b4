// A run: owners, clients, faults, and the verdict.
#include "tests/simulation/owners/owners_world.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "tests/simulation/owners/one_history.h"

namespace kith::sim {
namespace {

constexpr std::int64_t kBusyMs = 25'000;
constexpr std::int64_t kCalmMs = 120'000;
// A write under way lands within this time.
constexpr std::int64_t kLandedMs = 10'000;
constexpr std::size_t kClients = 4;
constexpr std::size_t kCommands = 30;
constexpr std::size_t kOwnersMax = 4;
constexpr std::uint64_t kNetwork = 1;
constexpr std::uint64_t kBroker = 2;
constexpr std::uint64_t kFirstOwner = 10;
constexpr std::int64_t kFreshMs = Millis(limits::request_fresh).count();
// A request that takes longer than this gets no answer.
constexpr std::int64_t kOldestMs = 9'000;

}  // namespace

OwnersWorld::OwnersWorld(std::uint64_t seed, OwnerRule broken,
                         std::function<void(const std::string&)> print)
    : trace_(time_),
      random_(seed, 21),
      topic_random_(seed, 22),
      cells_random_(seed, 23),
      network_(time_, kNetwork),
      broker_(time_, kBroker),
      topic_(std::make_shared<SharedTopic>()),
      cells_(std::make_shared<Cells>()),
      // Some runs keep few conversations in memory, so that they are read again.
      bounds_{random_.chance(0.5) ? std::size_t{2} : std::size_t{100}, std::size_t{1} << 30},
      often_(random_.chance(0.5)),
      broken_(broken) {
  trace_.print_to(std::move(print));
  topic_->broker = &broker_;
  topic_->random = &topic_random_;
  topic_->broken = broken;
  cells_->replicas = &broker_;
  cells_->random = &cells_random_;
  cells_->broken = broken;
}

OwnersWorld::~OwnersWorld() {
  owners_.clear();
  network_.halt();
  broker_.halt();
}

// --- owners ---

Owner* OwnersWorld::owner(std::uint64_t number) {
  for (const auto& each : owners_) {
    if (each->number == number) return each.get();
  }
  return nullptr;
}

void OwnersWorld::begin_owner() {
  const std::uint64_t number = kFirstOwner + begun_++;
  owners_.push_back(std::make_unique<Owner>(time_, number, topic_, cells_, bounds_));
  Owner& fresh = *owners_.back();
  fresh.log.served_ms = [this, &fresh] {
    return fresh.serves_since < 0 ? 0 : time_.now() - fresh.serves_since;
  };
  fresh.shard.on_decided(
      [this](const server::LogEntry&, const server::Outcome& out, const server::Conversation&) {
        if (!out.event) return;
        const server::Event& e = *out.event;
        told_.push_back({e.conversation, e.seq, e.message_id, e.position});
      });
  fresh.shard.ownership().on_serving(
      [this, number](bool serving) { serving_changed(number, serving); });
  const Status started = fresh.shard.start();
  trace_.line("owner " + std::to_string(number),
              started ? "begins, log at " + std::to_string(topic_->end()) + ", store at " +
                            std::to_string(cells_->row.value.position)
                      : started.error().to_string());
  fresh.shard.ownership().take_over();
}

void OwnersWorld::serving_changed(std::uint64_t number, bool serving) {
  trace_.line("owner " + std::to_string(number), serving ? "serves" : "serves no longer");
  Owner* changed = owner(number);
  if (serving) {
    changed->serves_since = time_.now();
    return;
  }
  // The log is still assigned to this owner; or, by mistake, to an old one.
  const bool assigned = changed == owners_.back().get();
  if (!assigned && (calm_ || !random_.chance(0.2))) return;
  changed->process.after(Millis(random_.between(0, 500)),
                         [changed] { changed->shard.ownership().take_over(); });
}

void OwnersWorld::end_owner(std::uint64_t number) {
  const auto it = std::find_if(owners_.begin(), owners_.end(),
                               [number](const auto& each) { return each->number == number; });
  if (it == owners_.end()) return;
  trace_.line("owner " + std::to_string(number), "ends");
  const auto gone = std::move(*it);  // its destructor may call back
  owners_.erase(it);
}

void OwnersWorld::end_owner_in(std::uint64_t number, std::int64_t ms) {
  network_.after(Millis(ms), [this, number] {
    if (!calm_) end_owner(number);
  });
}

void OwnersWorld::plan_faults() {
  // In some runs owners stay for longer.
  const std::int64_t span = often_ ? 2'500 : 9'000;
  network_.after(Millis(random_.between(200, span)), [this] {
    if (calm_) return;
    fault();
    plan_faults();
  });
}

void OwnersWorld::fault() {
  if (owners_.empty()) return begin_owner();
  const std::uint64_t what = random_.below(10);
  if (what < 5) return replace_owner();
  if (what < 8) return freeze_owner();
  Owner& any = *owners_[random_.below(owners_.size())];
  if (any.process.frozen()) return;
  trace_.line("owner " + std::to_string(any.number), "loses its producer");
  any.log.fail();
}

void OwnersWorld::replace_owner() {
  if (owners_.size() >= kOwnersMax) return end_owner(owners_.front()->number);
  Owner& old = *owners_.back();
  const std::uint64_t number = old.number;
  switch (random_.below(4)) {
    case 0:  // killed; its successor comes at once, or later
      end_owner(number);
      if (!owners_.empty() && random_.chance(0.3)) return;  // an older one is assigned again
      return begin_owner();
    case 1:  // leaves in order
      if (old.process.frozen()) return;
      old.shard.leave([this, number] {
        network_.post([this, number] {
          if (calm_) return;
          end_owner(number);
          if (owners_.empty()) begin_owner();
        });
      });
      return begin_owner();
    default:  // goes on for a while, and knows nothing
      end_owner_in(number, random_.between(0, 10'000));
      return begin_owner();
  }
}

void OwnersWorld::freeze_owner() {
  Owner& old = *owners_[random_.below(owners_.size())];
  if (old.process.frozen()) return;
  trace_.line("owner " + std::to_string(old.number), "is stopped");
  old.process.freeze();
  network_.after(Millis(random_.between(500, 15'000)), [this, number = old.number] {
    if (Owner* woken = owner(number); woken != nullptr && woken->process.frozen()) {
      trace_.line("owner " + std::to_string(number), "wakes");
      woken->process.thaw();
    }
  });
  if (random_.chance(0.6) && owners_.size() < kOwnersMax) begin_owner();
}

void OwnersWorld::become_calm() {
  calm_ = true;
  topic_->calm = cells_->calm = true;
  while (owners_.size() > 1) end_owner(owners_.front()->number);
  if (owners_.empty()) begin_owner();
  if (owners_.back()->process.frozen()) owners_.back()->process.thaw();
  owners_.back()->shard.ownership().take_over();
}

// --- clients ---

void OwnersWorld::make_commands() {
  for (std::size_t i = 0; i < kClients; ++i) {
    users_.push_back(UserId::of("user" + std::to_string(i)));
  }
  for (int i = 0; i < 3; ++i) conversations_.push_back(ConversationId::group(random_));
  conversations_.push_back(ConversationId::direct(users_[0], users_[1]));
  clients_.resize(kClients);
  next_.resize(kClients);
  for (std::size_t client = 0; client < kClients; ++client) {
    for (std::size_t n = 0; n < kCommands; ++n) {
      server::LogRecord record = make_command(client);
      const bool creates = client == 0 && n < conversations_.size();
      if (creates) {
        record.conversation = conversations_[n];
        const bool direct = n + 1 == conversations_.size();
        server::CreateOp op{
            direct ? ConversationType::kDirect : ConversationType::kGroup, "", {users_[1]}, {}};
        if (!direct) op.members = {users_[1], users_[2], users_[3]};
        if (direct) {
          record.command_id = *MessageId::from_bytes(record.conversation.view());
          op.title.clear();
        }
        record.op = std::move(op);
      }
      clients_[client].push_back({std::move(record)});
    }
  }
}

server::LogRecord OwnersWorld::make_command(std::size_t client) {
  server::LogRecord r;
  const bool in_direct = client < 2;
  r.conversation = conversations_[random_.below(conversations_.size() - (in_direct ? 0 : 1))];
  std::string bytes(16, '\0');
  random_.fill(bytes.data(), bytes.size());
  r.command_id = *MessageId::from_bytes(bytes);
  r.sender = users_[client];
  r.rules_version = server::kRulesVersion;
  const bool group = r.conversation != conversations_.back();
  const std::uint64_t what = random_.below(20);
  if (what == 0 && group && client == 0) {
    r.op = server::MetaOp{"title " + std::to_string(requests_)};
  } else if (what < 3 && group && client == 0) {
    r.op = server::MembershipOp{
        what == 1 ? server::MemberChangeKind::kAdd : server::MemberChangeKind::kRemove,
        {users_[3]},
        MemberRole::kNone,
        {}};
  } else if (what < 2 && !group) {
    r.op = server::BlockOp{what == 0};
  } else {
    r.op = server::SendOp{"text", 0, {}, 0};
  }
  return r;
}

void OwnersWorld::ask(std::size_t client) {
  if (next_[client] == clients_[client].size()) return;
  Command& command = clients_[client][next_[client]];
  const std::uint64_t request = command.request = ++requests_;
  server::LogRecord record = command.record;
  record.attempt = command.attempt++;
  record.origin_session = record.attempt + 1;  // what the client says, for SharedLog
  if (!owners_.empty()) {
    const bool lost = random_.chance(0.15);  // an old address
    const std::uint64_t to =
        owners_[lost ? random_.below(owners_.size()) : owners_.size() - 1]->number;
    std::int64_t delay = random_.between(1, 30);
    if (!calm_ && random_.chance(0.1)) delay = random_.between(500, kOldestMs);
    const bool routed_late = random_.chance(0.5);  // it waits in the gateway, not in the network
    network_.after(
        Millis(delay), [this, client, record, request, to, routed_late, sent = time_.now()] {
          Owner* there = routed_late && !owners_.empty() ? owners_.back().get() : owner(to);
          if (there == nullptr) return;
          there->process.post([this, client, record, request, sent, there] {
            deliver(client, record, request, sent, *there);
          });
        });
  }
  repeat(client, request, calm_ ? 3'000 : random_.between(300, 5'000));
}

// Asks again unless the request is answered by then.
void OwnersWorld::repeat(std::size_t client, std::uint64_t request, std::int64_t ms) {
  network_.after(Millis(ms), [this, client, request] {
    if (next_[client] == clients_[client].size()) return;
    if (clients_[client][next_[client]].request == request) ask(client);
  });
}

void OwnersWorld::deliver(std::size_t client, server::LogRecord record, std::uint64_t request,
                          std::int64_t sent_ms, Owner& there) {
  const bool old = time_.now() - sent_ms > kFreshMs;
  if (old && broken_ != OwnerRule::kOldRequestsDoubted) {
    record.attempt = std::max(record.attempt, 1U);
    record.origin_session = std::max<std::uint64_t>(record.origin_session, 2);
  }
  record.gateway_ts_ms = there.process.clock().wall().ms;
  there.shard.append(record, [this, client, request, record](Result<server::Outcome>&& outcome) {
    if (!calm_ && random_.chance(0.1)) return;  // the answer is lost
    network_.after(Millis(random_.between(1, 30)),
                   [this, client, request, record, outcome = std::move(outcome)] {
                     answered(client, request, record, outcome);
                   });
  });
}

void OwnersWorld::answered(std::size_t client, std::uint64_t request,
                           const server::LogRecord& record,
                           const Result<server::Outcome>& outcome) {
  if (outcome && outcome->placed) answers_.push_back({record, *outcome->placed});
  if (next_[client] == clients_[client].size()) return;
  if (clients_[client][next_[client]].request != request) return;
  const bool again = !outcome && outcome.error().retry() != Retry::kNever;
  if (again) return repeat(client, request, random_.between(50, 500));
  trace_.line(
      "client " + std::to_string(client),
      outcome && outcome->placed ? "has " + std::to_string(outcome->placed->seq) : "is refused");
  ++commands_answered_;
  ++next_[client];
  ask(client);
}

void OwnersWorld::read_some() {
  network_.after(Millis(random_.between(100, 600)), [this] {
    if (!owners_.empty()) {
      Owner& any = *owners_[random_.below(owners_.size())];
      server::EventQuery query;
      query.conversation = conversations_[random_.below(conversations_.size())];
      query.limit = 50;
      query.newest = random_.chance(0.5);
      any.process.post([this, query, &any] {
        any.shard.events(query, [this](const Result<std::vector<server::Event>>& page) {
          if (!page) return;
          for (const server::Event& e : *page) {
            told_.push_back({e.conversation, e.seq, e.message_id, e.position});
          }
        });
      });
    }
    read_some();
  });
}

bool OwnersWorld::all_answered() const {
  for (std::size_t client = 0; client < clients_.size(); ++client) {
    if (next_[client] < clients_[client].size()) return false;
  }
  return true;
}

// The store learns of a record that changed nothing only with the next batch.
bool OwnersWorld::all_stored() const {
  return OneHistory(*topic_).difference(*cells_).empty();
}

// --- the run ---

std::optional<Violation> OwnersWorld::judge() const {
  const OneHistory truth(*topic_);
  if (!truth.placed_twice().empty()) return Violation{30, truth.placed_twice()};
  for (const Answer& answer : answers_) {
    const bool event = std::holds_alternative<server::SendOp>(answer.record.op) ||
                       std::holds_alternative<server::MetaOp>(answer.record.op);
    if (!event) continue;  // a change without effect has the place of the one before
    const server::Placement* place = truth.place(answer.record);
    const std::string name = answer.record.command_id.to_string();
    if (place == nullptr) return Violation{30, name + " was answered, and is not in the log"};
    if (place->seq != answer.placed.seq || place->server_ts_ms != answer.placed.server_ts_ms) {
      return Violation{30, name + " was answered seq " + std::to_string(answer.placed.seq) +
                               ", and has " + std::to_string(place->seq)};
    }
  }
  for (const Told& told : told_) {
    const server::Event* event = truth.event(told.conversation, told.seq);
    if (event == nullptr || event->message_id != told.message || event->position != told.position) {
      return Violation{30, "somebody was told another event " + std::to_string(told.seq) + " of " +
                               told.conversation.to_string()};
    }
  }
  if (const std::string other = truth.difference(*cells_); !other.empty()) {
    return Violation{30, other};
  }
  return std::nullopt;
}

OwnersResult OwnersWorld::run() {
  make_commands();
  begin_owner();
  for (std::size_t client = 0; client < kClients; ++client) ask(client);
  plan_faults();
  read_some();
  const auto run_to = [this](std::int64_t until) {
    while (time_.step(until)) {
    }
  };
  run_to(kBusyMs);
  become_calm();
  OwnersResult result;
  std::int64_t until = kBusyMs;
  while (until < kBusyMs + kCalmMs && !(all_answered() && all_stored())) {
    run_to(until += 500);
  }
  run_to(until + kLandedMs);
  result.violation = judge();
  if (!result.violation && !all_answered()) result.violation = {31, "a command is not answered"};
  result.steps = time_.steps();
  result.hash = trace_.hash();
  result.owners = begun_;
  result.answered = commands_answered_;
  result.tail.assign(trace_.tail().begin(), trace_.tail().end());
  return result;
}

OwnersResult run_owners(std::uint64_t seed, OwnerRule broken,
                        const std::function<void(const std::string&)>& print) {
  return OwnersWorld(seed, broken, print).run();
}

}  // namespace kith::sim
