// FullableStore: a cache whose disk can be full for a while.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/cache_store.h"

namespace kith::client {

class FullableStore : public CacheStore {
 public:
  explicit FullableStore(std::unique_ptr<CacheStore> inner) : inner_(std::move(inner)) {}
  Result<CacheContent> load() override { return inner_->load(); }
  Status commit(const CacheChange& change) override {
    const bool refused = full && (change.forget_history || !only_for_forgetting);
    return refused ? make_error(ErrorCode::kDiskFull, "full") : inner_->commit(change);
  }
  Result<std::vector<StoredEvent>> events(const ConversationId& conversation, std::uint64_t from,
                                          std::uint64_t before, std::size_t limit) override {
    return inner_->events(conversation, from, before, limit);
  }
  std::optional<StoredEvent> find_message(const ConversationId& conversation,
                                          const MessageId& id) override {
    return inner_->find_message(conversation, id);
  }
  Result<std::vector<FoundEvent>> search(const SearchRequest& request) override {
    return inner_->search(request);
  }
  Result<bool> index_more(std::size_t events) override { return inner_->index_more(events); }
  bool full = false;
  bool only_for_forgetting = false;  // a history

 private:
  std::unique_ptr<CacheStore> inner_;
};

}  // namespace kith::client
