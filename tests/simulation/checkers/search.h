// Invariant 20: a search finds all messages that its reader may read, once the index has followed,
// and no others.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/simulation/checker.h"

namespace kith::sim {

class SearchChecker : public Checker {
 public:
  using Checker::Checker;
  void found(const Who& who, const std::string& word, const client::SearchPage& page) override;
  void found_all(const Who& who, const std::string& word,
                 const std::vector<client::Message>& messages) override;
  void indexed(const server::IndexBatch& batch) override;
  void at_rest() override;

 private:
  using Place = std::pair<ConversationId, std::uint64_t>;
  // Returns the messages with `word` that this user may read by today's membership.
  [[nodiscard]] std::set<Place> readable(const UserId& user, const std::string& word) const;
  [[nodiscard]] bool in_index(const server::Event& event) const;
  void judge(const Who& who, const std::string& word, const client::Message& message);
};

}  // namespace kith::sim
