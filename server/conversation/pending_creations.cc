// Creations under way, and what waits for them.
#include "server/conversation/pending_creations.h"

#include <map>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/guard.h"

namespace kith::server {

using Creation = std::pair<ConversationId, UserId>;

struct PendingCreations::State {
  explicit State(Scheduler& s) : scheduler(s) {}
  struct Waiting {
    std::size_t attempts = 0;  // of the creator, at once
    std::vector<std::function<void()>> then;
  };
  // Until what waits has run, the creation counts as under way: whatever is asked in between comes behind.
  void end(const Creation& creation) {
    Waiting& ended = under_way.at(creation);
    if (--ended.attempts > 0) return;
    scheduler.post(guard.wrap([this, creation] { run(creation); }));
  }
  void run(const Creation& creation) {
    const auto it = under_way.find(creation);
    if (it == under_way.end() || it->second.attempts > 0) return;  // begun again meanwhile
    const auto waiting = std::move(it->second.then);
    under_way.erase(it);
    for (const auto& then : waiting) then();
  }

  Scheduler& scheduler;
  std::map<Creation, Waiting> under_way;
  Guard guard;
};

class PendingCreations::Sink final : public ReplySink {
 public:
  Sink(State& state, Creation creation, Reply to)
      : state_(state),
        here_(state.guard.watch()),
        creation_(std::move(creation)),
        to_(std::move(to)) {}
  ~Sink() override {
    if (!here_.gone()) state_.end(creation_);
  }
  void answer(const Request&, v1::ServerFrame&& frame) override { to_(std::move(frame)); }
  void answer(const Request&, std::string_view frame) override { to_(frame); }
  void failed(const Request& /*request*/, const Error& error) override { to_.failed(error); }
  void unanswered(const Request&) override {}  // `to_` ends with this, which notifies its sink

 private:
  State& state_;
  Guard::Watch here_;
  Creation creation_;
  Reply to_;
};

PendingCreations::PendingCreations(Scheduler& scheduler)
    : state_(std::make_unique<State>(scheduler)) {}
PendingCreations::~PendingCreations() = default;

Reply PendingCreations::begin(const ConversationId& id, const UserId& creator, Reply reply) {
  ++state_->under_way[{id, creator}].attempts;
  return {std::make_shared<Sink>(*state_, Creation{id, creator}, std::move(reply)), {}};
}

bool PendingCreations::pending(const ConversationId& id, const UserId& creator) const {
  return state_->under_way.contains({id, creator});
}

bool PendingCreations::defer(const ConversationId& id, const UserId& creator,
                             std::function<void()> then) {
  const auto it = state_->under_way.find({id, creator});
  if (it == state_->under_way.end()) return false;
  if (it->second.then.size() >= limits::unacked_items_max) return false;
  it->second.then.push_back(std::move(then));
  return true;
}

}  // namespace kith::server
