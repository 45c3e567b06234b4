// Invariant 20.
#include "tests/simulation/checkers/search.h"

#include <algorithm>

#include "server/search/message_place.h"
#include "server/search/message_text.h"

namespace kith::sim {

// While the run is busy: each hit contains the words.
void SearchChecker::found(const Who& who, const std::string& word, const client::SearchPage& page) {
  for (const client::SearchHit& hit : page.hits) {
    judge(who, word, hit.message);
    if (hit.matches.empty()) broken(20, who.name + " found a message without a match in it");
  }
}

void SearchChecker::judge(const Who& who, const std::string& word, const client::Message& message) {
  if (message.text.find(word) == std::string::npos) {
    broken(20, who.name + " searched for " + word + " and found '" + message.text + "'");
  }
  if (message.seq.value == 0) return;  // waits in the outbox
  const Truth::Store& store = truth_.store_of(message.conversation);
  const auto of = store.events.find(message.conversation);
  if (of == store.events.end()) return;  // not in the store yet
  const auto event = of->second.find(message.seq.value);
  if (event == of->second.end()) return;
  if (server::message_text(event->second) != message.text) {
    broken(20, who.name + " found '" + message.text + "' at " + brief(message.conversation) + "/" +
                   std::to_string(message.seq.value) + ", where something else is");
  }
  if (event->second.sender_only && event->second.sender != who.user) {
    broken(20, who.name + " found what is withheld: '" + message.text + "'");
  }
}

std::set<SearchChecker::Place> SearchChecker::readable(const UserId& user,
                                                       const std::string& word) const {
  std::set<Place> places;
  for (const ConversationId& id : truth_.conversations_of(user)) {
    const server::Member& member = truth_.store_of(id).members.at(id).at(user);
    for (const auto& [seq, event] : truth_.store_of(id).events.at(id)) {
      if (seq < member.join_seq || (member.left_seq != 0 && seq > member.left_seq)) continue;
      if (event.sender_only && event.sender != user) continue;
      if (server::message_text(event).find(word) != std::string::npos) places.emplace(id, seq);
    }
  }
  return places;
}

void SearchChecker::found_all(const Who& who, const std::string& word,
                              const std::vector<client::Message>& messages) {
  std::set<Place> missing = readable(who.user, word);
  std::set<Place> seen;
  for (const client::Message& message : messages) {
    judge(who, word, message);
    if (message.seq.value == 0) continue;
    const Place place{message.conversation, message.seq.value};
    if (!seen.insert(place).second) {
      broken(20, who.name + " found twice: '" + message.text + "'");
    }
    missing.erase(place);
  }
  if (missing.empty()) return;
  const auto& [id, seq] = *missing.begin();
  broken(20, who.name + " searched for " + word + " and did not find " + brief(id) + "/" +
                 std::to_string(seq) + ", one of " + std::to_string(missing.size()));
}

void SearchChecker::indexed(const server::IndexBatch& batch) {
  std::set<Place> given;
  for (const server::IndexedMessage& message : batch.messages) {
    if (!given.emplace(message.conversation, message.seq).second) {
      broken(20, "the index is given " + brief(message.conversation) + "/" +
                     std::to_string(message.seq) + " twice at once");
    }
  }
}

// At its place, or moved up from it.
bool SearchChecker::in_index(const server::Event& event) const {
  auto at = truth_.index.messages.lower_bound(server::message_place(event));
  for (; at != truth_.index.messages.end() && server::may_stand_at(event, at->first); ++at) {
    if (at->second.conversation == event.conversation && at->second.seq == event.seq) return true;
  }
  return false;
}

void SearchChecker::at_rest() {
  std::size_t messages = 0;
  for (const auto& [id, events] : truth_.events()) {
    for (const auto& [seq, event] : events) {
      if (server::message_text(event).empty()) continue;
      ++messages;
      if (!in_index(event)) {
        broken(20, "message " + brief(id) + "/" + std::to_string(seq) + " is not in the index");
      }
    }
  }
  if (truth_.index.messages.size() != messages) {
    broken(20, "the index has " + std::to_string(truth_.index.messages.size()) +
                   " messages, the store " + std::to_string(messages));
  }
}

}  // namespace kith::sim
