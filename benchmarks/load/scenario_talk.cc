// Scenarios in which people talk: pairs, open, group.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "benchmarks/load/pacer.h"
#include "benchmarks/load/partners.h"
#include "benchmarks/load/scenario.h"
#include "kith/v1/frame.pb.h"

namespace kith::bench {
namespace {

constexpr double kDrainPatience = 10;
constexpr Micros kCreatePatience = 60 * kSecond;
constexpr std::size_t kMembersPerFrame = limits::members_change_max;
constexpr std::uint32_t kIntroducedAtOnce = 500;

constexpr double kOpenRate = 1000;

TrafficOptions closed_loop(const Options& options) {
  TrafficOptions traffic;
  traffic.outstanding = options.outstanding;
  traffic.bytes = options.bytes;
  traffic.until = options.until;
  traffic.known_before = options.cursor != 0;
  return traffic;
}

// The messages of a sender that are on their way go round among its partners: when one is done,
// the next leaves for the next partner.
class Rounds {
 public:
  Rounds(Traffic& traffic, std::uint32_t pairs, std::uint32_t conversations)
      : traffic_(traffic), pairs_(pairs), partners_(pairs, conversations) {}

  void begin(std::uint32_t outstanding) {
    for (std::uint32_t k = 0; k < pairs_; ++k) next_.push_back(k);
    traffic_.on_done = [this](std::uint32_t c) { send(c % pairs_); };
    for (std::uint32_t i = 0; i < outstanding; ++i) {
      for (std::uint32_t k = 0; k < pairs_; ++k) send(k);
    }
  }
  void end() { traffic_.on_done = nullptr; }

 private:
  void send(std::uint32_t pair) {
    const std::uint32_t c = next_[pair];
    next_[pair] = partners_.after(c);
    traffic_.offer(c, now_us());
  }
  Traffic& traffic_;
  std::uint32_t pairs_;
  Partners partners_;
  std::vector<std::uint32_t> next_;  // by pair
};

// Warm-up, measured time, drain.
Status measure_closed_loop(Stage& stage, const std::function<void()>& begin,
                           const std::function<void()>& end) {
  begin();
  if (auto run = stage.run_for(stage.options.warmup); !run) return run;
  stage.start_use();
  stage.traffic->measure(true);
  if (auto run = stage.run_for(stage.options.seconds); !run) return run;
  stage.traffic->measure(false);
  stage.end_use();
  end();
  return stage.drain(kDrainPatience);
}

void fill_conversations(const Stage& stage, Report& report, std::uint32_t conversations) {
  report.set("pairs", pairs_of(stage.options));
  report.set("conversations", conversations);
  report.set("conversations_used", static_cast<double>(stage.traffic->conversations_used()));
}

}  // namespace

Reports run_pairs(Stage& stage) {
  const Options& options = stage.options;
  TrafficOptions with = closed_loop(options);
  const std::uint32_t pairs = pairs_of(options);
  const std::uint32_t conversations = std::max(pairs, options.conversations);
  with.closed_loop = conversations == pairs;
  if (auto open = stage.open(with, options.connections); !open) return open.error();
  stage.add_pairs(pairs, conversations);
  if (auto up = stage.bring_up_all(); !up) return up.error();
  Rounds rounds(*stage.traffic, pairs, conversations);
  const auto begin = [&] {
    with.closed_loop ? stage.traffic->go(0, pairs) : rounds.begin(options.outstanding);
  };
  const auto end = [&] {
    stage.traffic->pause();
    rounds.end();
  };
  const auto run = measure_closed_loop(stage, begin, end);
  if (!run) return run.error();
  Report report("pairs");
  fill_conversations(stage, report, conversations);
  report.set("outstanding", options.outstanding);
  stage.fill(report);
  return std::vector<Report>{report};
}

Reports run_open(Stage& stage) {
  const Options& options = stage.options;
  TrafficOptions with = closed_loop(options);
  with.closed_loop = false;
  if (auto open = stage.open(with, options.connections); !open) return open.error();
  const std::uint32_t pairs = pairs_of(options);
  const std::uint32_t conversations = std::max(pairs, options.conversations);
  stage.add_pairs(pairs, conversations);
  if (auto up = stage.bring_up_all(); !up) return up.error();
  std::vector<Report> reports;
  std::uint32_t turn = 0;
  const std::vector<double> rates =
      options.rates.empty() ? std::vector<double>{kOpenRate} : options.rates;
  for (const double rate : rates) {
    Pacer pacer(rate, now_us());
    stage.traffic->reset_meter();
    stage.traffic->pace = [&](Micros now) {
      while (const auto intended = pacer.take(now)) {
        stage.traffic->offer(turn, *intended);
        turn = (turn + 1) % conversations;
      }
      return pacer.next();
    };
    Status run = stage.run_for(options.warmup);
    stage.start_use();
    stage.traffic->measure(true);
    if (run) run = stage.run_for(options.seconds);
    stage.end_use();
    const auto behind = static_cast<double>(stage.traffic->unfinished());
    const auto in_time = static_cast<double>(stage.traffic->meter().done);
    stage.traffic->pace = nullptr;
    // A message counts if it was meant to be sent in the measured time, however late it comes.
    if (run) run = stage.drain(kDrainPatience);
    stage.traffic->measure(false);
    if (!run) return run.error();
    Report report("open");
    report.set("rate", rate);
    fill_conversations(stage, report, conversations);
    report.set("under_way_at_end", behind);
    stage.fill(report);
    report.set("messages", static_cast<double>(stage.traffic->meter().received.count()));
    report.set("per_s", in_time / options.seconds);
    reports.push_back(report);
  }
  return reports;
}

// --- groups ---

namespace {

// Groups of `size`, of which the members that are sessions of the fleet are online.
struct Group {
  ConversationId id;
  std::uint32_t first = 0;
  std::uint32_t online = 0;
};

std::vector<Group> plan_groups(Stage& stage) {
  FastRandom random;
  std::vector<Group> groups;
  const std::uint32_t connections = stage.options.connections;
  const std::uint32_t size = std::min(stage.options.group, connections);
  for (std::uint32_t first = 0; first + size <= connections; first += size) {
    groups.push_back({ConversationId::group(random), first, size});
    std::vector<std::uint32_t> members;
    for (std::uint32_t i = 0; i < size; ++i) members.push_back(first + i);
    stage.traffic->add_conversation(groups.back().id, members, 1, false);
  }
  return groups;
}

// Signs the absent members in once, a few at a time: a group takes known people only.
Status introduce_others(Stage& stage) {
  for (std::uint32_t from = stage.options.connections; from < stage.fleet->size();) {
    const std::uint32_t to = std::min(stage.fleet->size(), from + kIntroducedAtOnce);
    if (auto up = stage.fleet->bring_up(from, to, kCreatePatience); !up) return up;
    stage.fleet->leave(from, to);
    from = to;
  }
  return {};
}

// Created with as many members as one command may have, the others are added.
void ask_for(Stage& stage, const Group& group, UuidGenerator& ids) {
  std::vector<std::string> members;
  for (std::uint32_t i = 1; i < group.online; ++i) {
    members.push_back(stage.fleet->user(group.first + i).bytes());
  }
  for (std::uint32_t i = group.online; i < stage.options.group; ++i) {
    members.push_back(stage.fleet->user(i).bytes());  // if there are others, there is one group
  }
  for (std::size_t from = 0; from < members.size(); from += kMembersPerFrame) {
    const std::size_t to = std::min(members.size(), from + kMembersPerFrame);
    v1::ClientFrame frame;
    if (from == 0) {
      v1::CreateConversation& create = *frame.mutable_create_conversation();
      create.set_conversation_id(group.id.bytes());
      create.set_command_id(ids.next().bytes());
      create.set_title("kith-bench");
      for (std::size_t i = from; i < to; ++i) create.add_members(members[i]);
    } else {
      v1::MemberChange& add = *frame.mutable_member_change();
      add.set_conversation_id(group.id.bytes());
      add.set_command_id(ids.next().bytes());
      add.set_kind(v1::MEMBER_CHANGE_KIND_ADD);
      add.set_role(v1::MEMBER_ROLE_MEMBER);
      for (std::size_t i = from; i < to; ++i) add.add_users(members[i]);
    }
    stage.fleet->request(group.first, frame);
  }
}

}  // namespace

Reports run_group(Stage& stage) {
  const Options& options = stage.options;
  TrafficOptions with = closed_loop(options);
  with.until = std::min(options.until, Until::kReceived);  // receipts of groups come seconds later
  with.closed_loop = options.rates.empty();
  const std::uint32_t people = std::max(options.connections, options.group);
  if (auto open = stage.open(with, people); !open) return open.error();
  const std::vector<Group> groups = plan_groups(stage);
  if (auto up = introduce_others(stage); !up) return up.error();
  if (auto up = stage.fleet->bring_up(0, options.connections, kCreatePatience); !up) {
    return up.error();
  }
  FastRandom random;
  UuidGenerator ids(system_clock(), random);
  for (const Group& group : groups) ask_for(stage, group, ids);
  const auto count = static_cast<std::uint32_t>(groups.size());
  stage.fleet->run(now_us() + kCreatePatience, [&] { return stage.traffic->known(0, count); });
  if (stage.fleet->fatal()) return *stage.fleet->fatal();
  if (!stage.traffic->known(0, count)) {
    return make_error(ErrorCode::kTimeout, "the groups did not reach all of their members");
  }
  // With a rate the groups are written to in turn, whatever the server does.
  const bool paced = !options.rates.empty();
  std::uint32_t turn = 0;
  std::optional<Pacer> pacer;
  const auto begin = [&] {
    if (!paced) return stage.traffic->go(0, count);
    pacer.emplace(options.rates.front(), now_us());
    stage.traffic->pace = [&](Micros now) {
      while (const auto intended = pacer->take(now)) {
        stage.traffic->offer(turn, *intended);
        turn = (turn + 1) % count;
      }
      return pacer->next();
    };
  };
  const auto end = [&] {
    stage.traffic->pace = nullptr;
    stage.traffic->pause();
  };
  const auto run = measure_closed_loop(stage, begin, end);
  if (!run) return run.error();
  Report report("group");
  if (paced) report.set("rate", options.rates.front());
  report.set("groups", count);
  report.set("group", options.group);
  report.set("online", groups.front().online);
  report.set("outstanding", options.outstanding);
  stage.fill(report);
  report.set("connections", options.connections);
  const Meter& meter = stage.traffic->meter();
  report.set("deliveries_per_s", static_cast<double>(meter.deliveries) * 1e6 /
                                     static_cast<double>(meter.ended - meter.began));
  report.set_latency("last_", meter.last);
  return std::vector<Report>{report};
}

}  // namespace kith::bench
