// over schedules of losses, delays, reorderings and kills: no message is missing in the
// end, and the unread number equals a count.
#include "tests/unit/client/honest_room.h"

namespace kith::client {
namespace {

enum class Action { kPlace, kDeliverOldest, kDeliverNewest, kLose, kAnswer, kWait, kCut, kRestart };
constexpr int kActions = 8;
const char* const kNames[kActions] = {
    "place", "deliver oldest", "deliver newest", "lose", "answer", "wait", "cut", "restart"};

void step(HonestRoom& room, Action action) {
  switch (action) {
    case Action::kPlace:
      room.push(room.add("bob"));
      break;
    case Action::kDeliverOldest:
      room.deliver(false);
      break;
    case Action::kDeliverNewest:
      room.deliver(true);
      break;
    case Action::kLose:
      room.lose();
      break;
    case Action::kAnswer:
      (void)room.answer();
      break;
    case Action::kWait:
      room.scheduler.advance(limits::gap_wait);
      break;
    case Action::kCut:
      room.cut();
      room.reconnect();
      break;
    case Action::kRestart:
      room.restart();
      break;
  }
}

// Returns a broken rule of those that hold at every moment; empty if there is none.
std::string broken_now(HonestRoom& room) {
  if (!room.broken.empty()) return room.broken.front();
  const std::uint64_t top = room.engine->model().top(room.room);
  if (top != room.contiguous()) return "the top jumped over a hole";
  for (const auto& [first, last] : room.disk.cache.ranges[room.room].list()) {
    for (std::uint64_t seq = first; seq <= last; ++seq) {
      if (!room.stored().count(seq)) return "a range claims what is not held";
    }
  }
  std::uint64_t before = 0;
  for (const Message& m : room.engine->history().timeline(room.room, 100)) {
    if (m.seq.value <= before) return "the timeline is out of order or shows something twice";
    before = m.seq.value;
  }
  return {};
}

// Returns a broken rule of those that hold when everything has arrived.
std::string broken_in_the_end(HonestRoom& room) {
  room.quiet();
  if (const std::string now = broken_now(room); !now.empty()) return now;
  if (room.stored().size() != room.head()) return "not everything is there";
  if (room.acked != room.head()) return "not everything is acknowledged";
  if (room.engine->connection().status().state() != ConnectionState::kOnline) return "not online";
  return {};
}

std::string run(const std::vector<Action>& schedule) {
  HonestRoom room;
  std::string told;
  for (const Action action : schedule) {
    step(room, action);
    told += (told.empty() ? "" : ", ") + std::string(kNames[static_cast<int>(action)]);
    if (const std::string why = broken_now(room); !why.empty()) return why + " after: " + told;
  }
  const std::string why = broken_in_the_end(room);
  return why.empty() ? why : why + " in the end of: " + told;
}

// Every schedule of that many actions after two messages whose pushes are under way.
int run_all(int actions) {
  int count = 0;
  int last = 1;
  for (int i = 0; i < actions; ++i) last *= kActions;
  for (int code = 0; code < last; ++code) {
    std::vector<Action> schedule{Action::kAnswer, Action::kPlace, Action::kPlace};
    for (int rest = code, i = 0; i < actions; ++i, rest /= kActions) {
      schedule.push_back(static_cast<Action>(rest % kActions));
    }
    ++count;
    const std::string why = run(schedule);
    EXPECT_EQ(why, "");
    if (!why.empty()) break;
  }
  return count;
}

//
TEST(Schedules, HolesAreKeptAndFilledInEveryScheduleOfFour) {
  EXPECT_EQ(run_all(4), 4'096);
}

TEST(LongSchedules, HolesAreKeptAndFilledInEveryScheduleOfFive) {
  EXPECT_EQ(run_all(5), 32'768);
}

// long ones, drawn from seeds.
TEST(Schedules, HolesAreKeptAndFilledInLongSchedules) {
  SeededRandom random;
  for (int round = 0; round < 400; ++round) {
    std::vector<Action> schedule;
    for (int i = 0; i < 80; ++i) schedule.push_back(static_cast<Action>(random.below(kActions)));
    ASSERT_EQ(run(schedule), "") << "round " << round;
  }
}

// --- R-7 ---

// Counts, without any watermark arithmetic.
std::uint64_t counted_unread(const HonestRoom& room) {
  std::uint64_t n = 0;
  for (const v1::Event& e : room.history) {
    n += e.countable() && e.sender() != UserId::of("alice").bytes() && e.seq() > room.read;
  }
  return n;
}

class Interleaving {
 public:
  void step() {
    const std::uint64_t known =
        room.engine->model().find(room.room) ? room.engine->model().find(room.room)->last_seq : 0;
    switch (random.below(14)) {
      case 0:
      case 1:
      case 2:
        room.push(room.add("bob"));
        break;
      case 3:
        room.push(room.add("bob", false));  // somebody was added: not countable
        break;
      case 4:
        room.push(room.add("alice"));  // written on another device
        break;
      case 5:
        EXPECT_TRUE(room.engine->outgoing()
                        .send(room.engine->outgoing().direct(UserId::of("bob")), "mine", {})
                        .ok());
        break;
      case 6:
        if (known > 0) mark_read(Seq(1 + random.below(known)));
        break;
      case 7:
        if (known > 0) mark_all_read();
        break;
      case 8:
        room.read_up_to(1 + random.below(room.head() + 1));  // on another device
        room.notice();
        break;
      case 9:
        room.deliver(random.below(2) == 0);
        break;
      case 10:
        room.lose();
        break;
      case 11:
        room.scheduler.advance(Millis(static_cast<std::int64_t>(random.below(500))));
        break;
      case 12:
        (void)room.answer();
        break;
      default:
        rarely();
    }
  }

  HonestRoom room;
  SeededRandom random;

 private:
  void mark_read(Seq upto) { EXPECT_TRUE(room.engine->read_marks().mark(room.room, upto).ok()); }
  void mark_all_read() {
    mark_read({});
    EXPECT_EQ(room.unread(), 0u);
  }
  void rarely() {
    switch (random.below(12)) {
      case 0:
        room.restart();
        break;
      case 1:
        room.cut();
        room.reconnect();
        break;
      case 2:
        room.cut();  // stays offline for some steps: reading and writing go on
        break;
      default:
        if (!room.connected()) room.reconnect();
    }
  }
};

// 10^5 steps; at every quiet point the number shown is the number counted.
TEST(Unread, IsWhatCountingGivesAtEveryQuietPoint) {
  constexpr int kSteps = 100'000;
  constexpr int kStepsOfAStory = 1'000;  // then a new account, so that counting stays quick
  int checked = 0;
  std::uint64_t highest = 0;
  for (int story = 0; story < kSteps / kStepsOfAStory; ++story) {
    Interleaving world;
    for (int i = 0; i < story; ++i) (void)world.random.below(2);  // another draw in every story
    for (int i = 1; i <= kStepsOfAStory; ++i) {
      world.step();
      if (i % 50 != 0) continue;
      world.room.quiet();
      ASSERT_EQ(world.room.unread(), counted_unread(world.room))
          << "story " << story << ", step " << i << ", " << world.room.describe();
      ASSERT_TRUE(world.room.broken.empty()) << world.room.broken.front();
      highest = std::max(highest, world.room.unread());
      ++checked;
    }
  }
  EXPECT_EQ(checked, 2'000);
  EXPECT_GT(highest, 5u);
}

}  // namespace
}  // namespace kith::client
