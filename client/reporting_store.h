// ReportingStore: a CacheStore that notices when what the server tells cannot be kept any more, and
// when it can again.
#pragma once

#include <functional>
#include <utility>

#include "client/cache_store.h"

namespace kith::client {

class ReportingStore : public CacheStore {
 public:
  // `failing`: the first of several failures, or ok when a change of the cache succeeds after them.
  // Called inside commit(). `inner` must outlive it.
  ReportingStore(CacheStore& inner, std::function<void(const Status& failing)> changed)
      : inner_(inner), changed_(std::move(changed)) {}

  Result<CacheContent> load() override { return inner_.load(); }
  Status commit(const CacheChange& change) override {
    Status status = inner_.commit(change);
    // A row of the outbox that can be written says nothing of the other file.
    if (status.ok() == failing_ && (failing_ ? change.touches_cache() : true)) {
      failing_ = !failing_;
      changed_(status);
    }
    return status;
  }
  Result<std::vector<StoredEvent>> events(const ConversationId& conversation, std::uint64_t from,
                                          std::uint64_t before, std::size_t limit) override {
    return inner_.events(conversation, from, before, limit);
  }
  std::optional<StoredEvent> find_message(const ConversationId& conversation,
                                          const MessageId& id) override {
    return inner_.find_message(conversation, id);
  }

 private:
  CacheStore& inner_;
  std::function<void(const Status&)> changed_;
  bool failing_ = false;
};

}  // namespace kith::client
