// A part begins, serves and is connected.
#include "tests/simulation/cluster/owner_process.h"

#include <utility>

namespace kith::sim {

// Says that marks are durable before the front has them; for kFlushIsAnswered.
class OwnerPart::HastyMarks : public server::FeedMarks {
 public:
  explicit HastyMarks(server::FeedMarks& marks) : marks_(marks) {}
  void begins(std::uint64_t stored, std::uint64_t logged) override {
    marks_.begins(stored, logged);
  }
  void mark(const server::FeedMark& mark) override { marks_.mark(mark); }
  void mark_user(const UserId& user) override { marks_.mark_user(user); }
  void flush(Done<void> done) override {
    marks_.flush([](const Status&) {});
    done({});
  }

 private:
  server::FeedMarks& marks_;
};

OwnerPart::OwnerPart(std::uint64_t its_number, std::uint32_t its_partition, const Engines& engines,
                     Process& process, ClusterRule broken)
    : number(its_number),
      partition(its_partition),
      sides(engines.homes),
      log_(engines.topic, process),
      store_(engines.cells, process),
      host_(broken != ClusterRule::kMarksAreRepeated, engines.homes),
      hasty_(std::make_unique<HastyMarks>(host_.marks())),
      owned_(
          log_, store_,
          {broken == ClusterRule::kFlushIsAnswered ? static_cast<server::FeedMarks&>(*hasty_)
                                                   : host_.marks(),
           host_, host_, nullptr,
           [this](const std::shared_ptr<const server::StoreBatch>& batch) { host_.stored(batch); }},
          process, engines.bounds) {
  host_.serve(owned_);
}

OwnerPart::~OwnerPart() = default;

void OwnerPart::connect(server::OwnerLink& link, const std::shared_ptr<Connection>& fresh) {
  front(fresh->home).disconnected();  // while the earlier one is here
  sides.at(fresh->home) = {fresh, false};
  owned_.catch_up([this, &link, fresh](const Status& caught_up) {
    if (caught_up) return use(link, fresh);
    if (Side& side = sides.at(fresh->home); side.connection == fresh) side.refused = true;
  });
}

void OwnerPart::use(server::OwnerLink& link, const std::shared_ptr<Connection>& fresh) {
  if (sides.at(fresh->home).connection != fresh) return;
  front(fresh->home).connected(link, fresh->number, *fresh->to_front);
}

void OwnerPart::disconnect(const Connection& broken) {
  Side& side = sides.at(broken.home);
  if (side.connection.get() != &broken) return;
  front(broken.home).disconnected();
  side = {};
}

OwnerPart* OwnerProcess::part(std::uint64_t wanted) {
  for (const auto& each : parts) {
    if (each->number == wanted) return each.get();
  }
  return nullptr;
}

}  // namespace kith::sim
