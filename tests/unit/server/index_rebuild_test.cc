// IndexRebuild: all who fill an index stand still before it is emptied.
#include "server/search/index_rebuild.h"

#include "server/search/message_place.h"
#include "tests/unit/server/search_fixture.h"

namespace kith::server::testing {
namespace {

class Filler : public IndexRebuild::Filler {
 public:
  void pause(std::function<void()> stands) override {
    ++pauses;
    on_its_way = std::move(stands);
    if (!busy) come_to_rest();
  }
  void begin_anew() override { ++begun; }
  void come_to_rest() {
    busy = false;
    if (on_its_way) std::exchange(on_its_way, nullptr)();
  }

  bool busy = false;
  int pauses = 0;
  int begun = 0;
  std::function<void()> on_its_way;
};

class IndexRebuildTest : public SearchTest {
 protected:
  void SetUp() override {
    SearchTest::SetUp();
    index = std::make_unique<SearchIndexMemory>(index_disk, loop);
    index_disk->marks[group_id()] = 5;
    rebuild.emplace(*index, loop, [this](const std::string& line) { log.push_back(line); });
  }
  std::uint64_t stat(const std::string& name) {
    std::map<std::string, std::uint64_t> all;
    rebuild->add_stats(all);
    return all.at(name);
  }
  const Error damage = make_error(ErrorCode::kCacheCorrupt, "a page");
};

TEST_F(IndexRebuildTest, NothingIsEmptiedBeforeTheLastOneStands) {
  Filler quick;
  Filler slow;
  slow.busy = true;
  rebuild->join(quick);
  rebuild->join(slow);
  rebuild->damaged(damage);
  rebuild->damaged(damage);
  loop.advance(Millis(1'000));
  EXPECT_EQ(quick.pauses, 1);
  EXPECT_EQ(slow.pauses, 1);
  EXPECT_EQ(index_disk->marks.size(), 1u) << "a batch is on its way to it";
  slow.come_to_rest();
  loop.advance(Millis(1'000));
  EXPECT_TRUE(index_disk->marks.empty());
  EXPECT_EQ(quick.begun, 1);
  EXPECT_EQ(slow.begun, 1);
  EXPECT_EQ(log, (std::vector<std::string>{"the search index is made anew: a page"}));
  EXPECT_EQ(stat("search_rebuilds"), 1u);
  EXPECT_EQ(stat("search_rebuilding"), 0u);
}

TEST_F(IndexRebuildTest, OneWhoJoinsOrLeavesMeanwhileIsMinded) {
  Filler leaves;
  leaves.busy = true;
  rebuild->join(leaves);
  rebuild->damaged(damage);
  Filler late;
  rebuild->join(late);
  EXPECT_EQ(late.pauses, 1);
  rebuild->leave(leaves);
  loop.advance(Millis(61'000));
  rebuild->leave(late);
  EXPECT_EQ(late.begun, 1);
  EXPECT_EQ(leaves.begun, 0);
}

// Two partitions: damage that one of them meets is mended for both.
TEST_F(IndexRebuildTest, EveryPartitionIsIndexedOnceMore) {
  index_disk->marks.clear();
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea");
  quiet();
  const auto disk = std::make_shared<ConversationStoreMemory::Disk>();
  ConversationStoreMemory other_store(disk, loop);
  class Others : public ForwardingPartition {
   public:
    Others(PartitionOwner& to, ConversationStore& store) : ForwardingPartition(to), store_(store) {}
    void heads(const ConversationId& after, Position changed_after, std::size_t limit,
               Done<HeadsPage> done) override {
      store_.heads(after, changed_after, limit, std::move(done));
    }
    void events(const EventQuery& query, Done<std::vector<Event>> done) override {
      if (query.from > 1) return done(std::vector<Event>());
      Event event;
      v1::Content content;
      content.mutable_plain()->set_text("coffee");
      event.conversation = query.conversation;
      event.kind = EventKind::kMessage;
      event.seq = 1;
      event.server_ts_ms = 5;
      event.body = content.SerializeAsString();
      done(std::vector<Event>{event});
    }

   private:
    ConversationStore& store_;
  } others(partition, other_store);
  Head head;
  head.id = group_id(9);
  head.last_seq = 1;
  head.last_position = 1;
  disk->heads[head.id] = head;
  disk->applied = 1;
  SearchFeeder other({*index, others, loop, *rebuild}, 1);
  ASSERT_TRUE(other.start(1, 1).ok());
  quiet();
  ASSERT_EQ(index_disk->messages.size(), 2u);
  EXPECT_EQ(index_disk->complete[1], 1u);
  rebuild->damaged(damage);
  quiet();
  EXPECT_EQ(stat("search_rebuilds"), 1u);
  EXPECT_EQ(index_disk->messages.size(), 2u) << "those of both";
  EXPECT_EQ(index_disk->complete[1], 1u);
  EXPECT_EQ(index_disk->complete[0], disks.store->applied);
}

}  // namespace
}  // namespace kith::server::testing
