// ReportingStore: a CacheStore that notices when what the server sends cannot be kept any more, and
// when it can again.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "client/cache_store.h"

namespace kith::client {

class ReportingStore : public CacheStore {
 public:
  // `failing`: what a change of the cache has failed with, reported again when that is another, or ok
  // when one succeeds after it. Damage (kCacheCorrupt) is the last report: it is mended at the
  // next open. Called inside commit(). `inner` must outlive it.
  ReportingStore(CacheStore& inner, std::function<void(const Status& failing)> changed)
      : inner_(inner), changed_(std::move(changed)) {}

  Result<CacheContent> load() override { return inner_.load(); }
  Status commit(const CacheChange& change) override {
    Status status = inner_.commit(change);
    // A row of the outbox says nothing of the other file, and its sender hears of it.
    if (!change.touches_cache() || failing_ == ErrorCode::kCacheCorrupt) return status;
    const std::optional<ErrorCode> failing =
        status ? std::nullopt : std::optional(status.error().code);
    if (failing != std::exchange(failing_, failing)) changed_(status);
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
  Result<std::vector<FoundEvent>> search(const SearchRequest& request) override {
    return inner_.search(request);
  }
  Result<bool> index_more(std::size_t events) override { return inner_.index_more(events); }

 private:
  CacheStore& inner_;
  std::function<void(const Status&)> changed_;
  std::optional<ErrorCode> failing_;
};

}  // namespace kith::client
