// An owner as the front sees it, not quite.
#include "tests/simulation/cluster/broken_front.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::sim {
namespace {

using server::Caller;
using server::Reply;

// Longer than any owner remembers a command, or doubts.
constexpr Millis kRepeatedAfter{7'000};

// Takes every log for an empty one.
class EmptyLogs : public server::FeedMarks {
 public:
  explicit EmptyLogs(server::FeedMarks& marks) : marks_(marks) {}
  void begins(std::uint64_t, std::uint64_t) override { marks_.begins(0, 0); }
  void mark(const server::FeedMark& mark) override { marks_.mark(mark); }
  void mark_user(const UserId& user) override { marks_.mark_user(user); }
  void flush(Done<void> done) override { marks_.flush(std::move(done)); }

 private:
  server::FeedMarks& marks_;
};

class BrokenOwner : public server::PartitionOwner {
 public:
  BrokenOwner(server::PartitionOwner& inner, Scheduler& scheduler, ClusterRule broken)
      : inner_(inner), scheduler_(scheduler), broken_(broken) {}

  void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) override {
    if (broken_ != ClusterRule::kCommandsNotRepeated || !frame.has_send()) {
      return inner_.handle(caller, std::move(frame), std::move(reply));
    }
    send(caller, frame, reply, 0);
  }
  void handle(const Caller& caller, const RequestView& request, Reply&& reply) override {
    v1::ClientFrame frame;
    const bool sends =
        broken_ == ClusterRule::kCommandsNotRepeated &&
        frame.ParseFromArray(request.whole.data(), static_cast<int>(request.whole.size())) &&
        frame.has_send();
    if (!sends) return inner_.handle(caller, request, std::move(reply));
    send(caller, frame, reply, 0);
  }
  void set_secret(const std::string& secret) override { inner_.set_secret(secret); }
  void session_opened(const Caller& caller) override { inner_.session_opened(caller); }
  void session_closed(const Caller& caller) override { inner_.session_closed(caller); }
  void listens(const UserId& user, std::vector<ConversationId> groups) override {
    inner_.listens(user, std::move(groups));
  }
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done) override {
    inner_.set_block(by, other, on, std::move(done));
  }
  void forget_blocks() override { inner_.forget_blocks(); }
  void heads(const ConversationId& after, server::Position changed_after, std::size_t limit,
             Done<server::HeadsPage> done) override {
    inner_.heads(after, changed_after, limit, std::move(done));
  }
  void with(const ConversationId& id, const UserId& reader,
            Done<const server::Conversation*> done) override {
    inner_.with(id, reader,
                [this, done = std::move(done)](Result<const server::Conversation*> found) {
                  if (!found && broken_ == ClusterRule::kSyncNeedsOwners) return done(nullptr);
                  done(std::move(found));
                });
  }
  void events(const server::EventQuery& query, Done<std::vector<server::Event>> done) override {
    inner_.events(query, std::move(done));
  }
  void append(server::LogRecord record, server::CommandAnswer answer) override {
    inner_.append(std::move(record), std::move(answer));
  }
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override {
    inner_.mark_user(user, device, std::move(done));
  }

 private:
  void send(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply, int times) {
    v1::ClientFrame again = frame;
    inner_.handle(caller, std::move(again),
                  Reply([this, caller, frame, reply, times](v1::ServerFrame&& answer) {
                    const bool lost = answer.error().code() == v1::ERROR_CODE_UNAVAILABLE;
                    if (!lost || times == 3) return reply(std::move(answer));
                    scheduler_.after(kRepeatedAfter, [this, caller, frame, reply, times] {
                      send(caller, frame, reply, times + 1);
                    });
                  }));
  }

  server::PartitionOwner& inner_;
  Scheduler& scheduler_;
  const ClusterRule broken_;
};

class BrokenPartition : public server::LinkedPartition {
 public:
  BrokenPartition(const server::PartitionFront& front, std::unique_ptr<EmptyLogs> marks,
                  Scheduler& scheduler, ClusterRule broken)
      : LinkedPartition(front), marks_(std::move(marks)), owner_(link(), scheduler, broken) {}
  server::PartitionOwner& owner() override { return owner_; }

 private:
  std::unique_ptr<EmptyLogs> marks_;
  BrokenOwner owner_;
};

}  // namespace

std::unique_ptr<server::LinkedPartition> make_front(const server::PartitionFront& front,
                                                    Scheduler& scheduler, ClusterRule broken) {
  if (broken == ClusterRule::kNone) return std::make_unique<server::LinkedPartition>(front);
  if (broken != ClusterRule::kAnyVersion) {
    return std::make_unique<BrokenPartition>(front, nullptr, scheduler, broken);
  }
  auto marks = std::make_unique<EmptyLogs>(front.marks);
  server::PartitionFront given{*marks,       front.relations, front.fanout,
                               front.health, front.stored,    front.reached};
  return std::make_unique<BrokenPartition>(given, std::move(marks), scheduler, broken);
}

}  // namespace kith::sim
