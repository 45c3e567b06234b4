// Batches of marks.
#include "server/feed/feed_writer.h"

#include <algorithm>
#include <utility>

namespace kith::server {

void FeedWriter::flush(Done<void> done) {
  if (source_.any()) {
    next_.push_back(std::move(done));
    if (batch_ == nullptr) begin();
  } else if (batch_ != nullptr) {
    waiting_.push_back(std::move(done));
  } else {
    done({});
  }
}

void FeedWriter::begin() {
  auto batch = std::make_shared<FeedBatch>();
  source_.take(*batch);
  batch_ = std::move(batch);
  waiting_ = std::exchange(next_, {});
  give();
}

void FeedWriter::give() {
  store_.apply(batch_, guard_.wrap([this](const Status& status) { given(status); }));
}

void FeedWriter::given(const Status& status) {
  if (!status) {
    const auto wait = Millis(100) * (1 << std::min(failures_++, 6U));
    scheduler_.after(wait, guard_.wrap([this] { give(); }));
    return;
  }
  failures_ = 0;
  source_.stored(*std::exchange(batch_, nullptr));
  const auto waiting = std::exchange(waiting_, {});
  if (!next_.empty()) begin();
  const Guard::Watch here = guard_.watch();  // a callback may destroy this
  for (const auto& done : waiting) {
    if (!here.gone()) done({});
  }
}

}  // namespace kith::server
