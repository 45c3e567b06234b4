// HeadFetches: whose turn it is, what is asked for, and what becomes of the answer.
#include "client/head_fetches.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAtOnce = 4;
// A fetch that takes longer no longer takes the place of another, as far as the second number goes.
constexpr Millis kSlow = 3s;
constexpr std::size_t kMost = 32;
// One screen: the rest of a large hole is fetched when somebody looks.
constexpr std::size_t kNewestPage = 30;

}  // namespace

HeadFetches::HeadFetches(const Parts& parts, Scheduler& scheduler, const SyncSession& session,
                         std::function<void()> progress)
    : parts_(parts),
      clock_(scheduler.clock()),
      session_(session),
      progress_(std::move(progress)),
      slow_(scheduler, [this] {
        run();
        progress_();
      }) {}

void HeadFetches::fetch_missing() {
  std::erase_if(parts_.missing.behind, [this](const ConversationId& id) {
    const ConversationRecord* record = parts_.model.find(id);
    return !record || record->last_seq <= parts_.model.top(id);
  });
  waiting_.insert(parts_.missing.behind.begin(), parts_.missing.behind.end());
  run();
}

void HeadFetches::fetch(const ConversationId& id) {
  parts_.missing.behind.insert(id);
  waiting_.insert(id);
  run();
}

std::size_t HeadFetches::in_time() const {
  const std::int64_t now = clock_.steady_ms();
  return static_cast<std::size_t>(
      std::count_if(asked_.begin(), asked_.end(),
                    [now](const auto& fetch) { return now - fetch.second < kSlow.count(); }));
}

bool HeadFetches::idle() const {
  const bool waits = std::any_of(waiting_.begin(), waiting_.end(),
                                 [this](const auto& id) { return asked_.count(id) == 0; });
  return !waits && in_time() == 0;
}

void HeadFetches::run() {
  if (!parts_.connection.ready() || !session_.history_known) return;
  std::size_t running = in_time();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (running >= kAtOnce || asked_.size() >= kMost) break;
    const ConversationId id = *it;
    if (asked_.count(id)) {
      ++it;
      continue;
    }
    it = waiting_.erase(it);
    if (parts_.rests.resting(id)) continue;
    const ConversationRecord* record = parts_.model.find(id);
    const std::uint64_t top = parts_.model.top(id);
    if (!record || record->last_seq <= top) continue;
    if (!parts_.pace.take()) {
      waiting_.insert(id);
      return;
    }
    ++running;
    ask(id, top, record->last_seq);
  }
  if (running > 0 && !slow_.waits()) slow_.start(kSlow);
}

void HeadFetches::ask(const ConversationId& id, std::uint64_t top, std::uint64_t last) {
  v1::ClientFrame frame;
  v1::GetEvents& get = *frame.mutable_get_events();
  get.set_conversation_id(id.bytes());
  get.set_from(top + 1);
  get.set_to(last);
  const bool large = last - top > limits::gap_fetch_max;
  get.set_newest(large);
  get.set_limit(large ? kNewestPage : limits::page_events_max);
  asked_[id] = clock_.steady_ms();
  parts_.connection.request(frame, [this, id](const v1::ServerFrame* answer, const Error& error) {
    on_answer(id, answer, error);
  });
}

void HeadFetches::on_answer(const ConversationId& id, const v1::ServerFrame* frame,
                            const Error& error) {
  asked_.erase(id);
  if (frame && frame->has_events_page()) {
    on_page(id, *frame);
  } else if (error.code == ErrorCode::kRateLimited) {  // a sync would take what is left
    waiting_.insert(id);
    parts_.pace.pause(pause_of(error));
  } else if (error.code != ErrorCode::kOffline && error.retry() != Retry::kNever) {
    parts_.rests.note_failure(id, error);
  } else if (error.code != ErrorCode::kOffline) {
    parts_.missing.behind.erase(id);  // it is not this user's any more
  }
  run();
  progress_();
}

void HeadFetches::on_page(const ConversationId& id, const v1::ServerFrame& frame) {
  parts_.rests.end(id);
  const v1::EventsPage& page = frame.events_page();
  const std::uint64_t before = parts_.model.top(id);
  const std::vector<v1::Event> events(page.events().begin(), page.events().end());
  parts_.intake.apply(id, events, page.floor_seq(), false);
  const std::uint64_t now = parts_.model.top(id);
  const ConversationRecord* record = parts_.model.find(id);
  if (now > before && record && record->last_seq > now) {
    waiting_.insert(id);
  } else if (now == before && record && events.empty() && page.last_seq() < record->last_seq) {
    ConversationRecord shorter = *record;  // the rest is not this user's
    shorter.last_seq = std::max(page.last_seq(), now);
    (void)parts_.model.put(shorter);
  }
}

}  // namespace kith::client
