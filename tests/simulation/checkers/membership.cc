// Invariants 9 and 11.
#include "tests/simulation/checkers/membership.h"

#include <algorithm>

namespace kith::sim {

void MembershipChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  if (frame.has_event_push()) {
    for (const auto& event : frame.event_push().events()) see(who.user, event);
  } else if (frame.has_events_page()) {
    for (const auto& event : frame.events_page().events()) see(who.user, event);
  } else if (frame.has_search_page()) {
    for (const auto& hit : frame.search_page().hits()) see(who.user, hit.event());
  }
}

void MembershipChecker::applied(std::uint32_t /*partition*/, const server::StoreBatch& batch) {
  for (const server::Head& head : batch.heads) {
    const bool direct = head.type == ConversationType::kDirect;
    if (direct ? head.id.is_direct() : head.id.is_group()) continue;
    broken(11, "conversation " + brief(head.id) + " is not of the type that its id tells");
  }
}

void MembershipChecker::see(const UserId& user, const v1::Event& event) {
  seen_[ConversationId::from_bytes(event.conversation_id()).value()][user].insert(event.seq());
}

std::map<UserId, std::vector<MembershipChecker::Span>> MembershipChecker::spans_of(
    const ConversationId& id) const {
  constexpr std::uint64_t kStill = ~std::uint64_t{0};
  std::map<UserId, std::vector<Span>> spans;
  for (const auto& [seq, event] : truth_.store_of(id).events.at(id)) {
    if (event.kind != server::EventKind::kMembership) continue;
    v1::MembershipBody body;
    body.ParseFromString(event.body);
    if (body.created()) spans[event.sender].push_back({seq, kStill});
    for (const std::string& bytes : body.users()) {
      const UserId user = UserId::from_bytes(bytes).value();
      if (body.kind() == v1::MEMBER_CHANGE_KIND_ADD) {
        spans[user].push_back({seq, kStill});
      } else if (body.kind() != v1::MEMBER_CHANGE_KIND_SET_ROLE) {
        spans[user].back().second = seq;
      }
    }
  }
  return spans;
}

void MembershipChecker::at_rest() {
  for (const auto& [id, users] : seen_) {
    if (!truth_.store_of(id).events.contains(id)) continue;  // pushed and lost: others complain
    const auto spans = spans_of(id);
    for (const auto& [user, seqs] : users) {
      const auto own = spans.find(user);
      for (const std::uint64_t seq : seqs) {
        const bool inside = own != spans.end() &&
                            std::any_of(own->second.begin(), own->second.end(), [&](const Span& s) {
                              return s.first <= seq && seq <= s.second;
                            });
        if (!inside) {
          broken(9, "user " + brief(user) + " was sent event " + brief(id) + "/" +
                        std::to_string(seq) + ", without being a member then");
        }
      }
    }
  }
}

}  // namespace kith::sim
