// A part begins, serves and is connected.
#include "tests/simulation/cluster/owner_process.h"

#include <utility>

#include "server/records/partition.h"

namespace kith::sim {

// Marks with a rule that is broken on purpose.
class OwnerPart::BrokenMarks : public server::FeedMarks {
 public:
  BrokenMarks(server::PartitionHost& host, std::uint32_t homes, ClusterRule broken)
      : host_(host), homes_(homes), broken_(broken) {}
  void begins(std::uint64_t stored, std::uint64_t logged) override {
    host_.marks().begins(stored, logged);
  }
  void mark(const server::FeedMark& mark) override {
    server::FeedMark rest = mark;
    if (broken_ == ClusterRule::kMarksAreRepeated) {
      rest.users = kept(mark.users, [this](const UserId& user) {
        return host_.front(server::partition_of(user, homes_)).is_connected();
      });
    } else if (broken_ == ClusterRule::kMarksForAllHomes && !mark.users.empty()) {
      rest.users = kept(mark.users, [&](const UserId& user) {
        return server::partition_of(user, homes_) ==
               server::partition_of(*mark.users.begin(), homes_);
      });
    }
    host_.marks().mark(rest);
  }
  void mark_user(const UserId& user) override { host_.marks().mark_user(user); }
  void flush(Done<void> done) override {
    if (broken_ != ClusterRule::kFlushIsAnswered) return host_.marks().flush(std::move(done));
    host_.marks().flush([](const Status&) {});
    done({});
  }

 private:
  template <class Keep>
  static server::UserList kept(const server::UserList& users, Keep keep) {
    server::UserList rest;
    for (const UserId& user : users) {
      if (keep(user)) rest.push_back(user);
    }
    return rest;
  }

  server::PartitionHost& host_;
  const std::uint32_t homes_;
  const ClusterRule broken_;
};

OwnerPart::OwnerPart(std::uint64_t its_number, std::uint32_t its_partition, const Engines& engines,
                     Process& process, ClusterRule broken)
    : number(its_number),
      partition(its_partition),
      sides(engines.homes),
      log_(engines.topic, process),
      store_(engines.cells, process),
      host_(true, engines.homes),
      broken_(std::make_unique<BrokenMarks>(host_, engines.homes, broken)),
      owned_(
          log_, store_,
          {*broken_, host_, host_, nullptr,
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
