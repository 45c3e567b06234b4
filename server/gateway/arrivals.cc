// Arrivals: stages, turns and ends.
#include "server/gateway/arrivals.h"

namespace kith::server {

std::map<std::uint64_t, Arrivals::Key>* Arrivals::queue(Group& group, Stage stage) const {
  switch (stage) {
    case Stage::kSilent:
      return &group.silent;
    case Stage::kWaiting:
      return &group.waiting;
    case Stage::kShaking:
      return &group.shaking;
    case Stage::kEstablished:
      return &group.established;
    case Stage::kLeaving:
      break;
  }
  return nullptr;
}

bool Arrivals::full(const Group& group) const {
  return group.inside() >= bounds_.of_one || group.shaking.size() >= bounds_.shaking_of_one;
}

void Arrivals::refresh(const PeerAddress& name, std::size_t size_before) {
  const auto found = groups_.find(name);
  const std::size_t size = found == groups_.end() ? 0 : found->second.all();
  if (size != size_before) {
    by_size_.erase({size_before, name});
    if (size != 0) by_size_.insert({size, name});
  }
  may_enter_.erase(name);
  held_up_.erase(name);
  if (found == groups_.end()) return;
  if (!found->second.waiting.empty()) (full(found->second) ? held_up_ : may_enter_).insert(name);
  if (size == 0) groups_.erase(found);
}

void Arrivals::move(Key key, Entry& entry, Stage to) {
  Group& group = groups_[entry.group];
  const std::size_t before = group.all();
  if (auto* from = queue(group, entry.stage)) from->erase(entry.order);
  shaking_ -= entry.stage == Stage::kShaking ? 1 : 0;
  shaking_ += to == Stage::kShaking ? 1 : 0;
  entry.stage = to;
  if (auto* into = queue(group, to)) into->emplace(entry.order, key);
  refresh(entry.group, before);
}

Arrivals::Key Arrivals::accepted(const PeerAddress& address, std::int64_t now_ms) {
  const Key key = ++last_;
  Entry& entry = entries_[key];
  entry.group = address.group();
  entry.order = ++order_;
  entry.since_ms = now_ms;
  Group& group = groups_[entry.group];
  const std::size_t before = group.all();
  group.silent.emplace(entry.order, key);
  refresh(entry.group, before);
  ends_.emplace_back(now_ms + bounds_.limit_ms, key);
  return key;
}

void Arrivals::comes_from(Key key, const PeerAddress& address) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.group == address.group()) return;
  Entry& entry = found->second;
  const Stage stage = entry.stage;
  move(key, entry, Stage::kLeaving);
  entry.group = address.group();
  move(key, entry, stage);
}

void Arrivals::wants_in(Key key) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.stage == Stage::kSilent) {
    move(key, found->second, Stage::kWaiting);
  }
}

std::optional<Arrivals::Key> Arrivals::admit(std::int64_t now_ms) {
  if (may_enter_.empty() || shaking_ >= bounds_.shaking) return std::nullopt;
  auto next = may_enter_.upper_bound(turn_);
  if (next == may_enter_.end()) next = may_enter_.begin();
  turn_ = *next;
  const Key key = groups_.at(turn_).waiting.rbegin()->second;
  Entry& entry = entries_.at(key);
  move(key, entry, Stage::kLeaving);
  entry.since_ms = now_ms;
  entry.order = ++order_;  // from here on counted from its admission
  move(key, entry, Stage::kShaking);
  ends_.emplace_back(now_ms + bounds_.limit_ms, key);
  return key;
}

void Arrivals::established(Key key) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.stage == Stage::kShaking) {
    move(key, found->second, Stage::kEstablished);
  }
}

void Arrivals::left(Key key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  if (found->second.stage != Stage::kLeaving) move(key, found->second, Stage::kLeaving);
  entries_.erase(found);
}

void Arrivals::leave(Key key, std::vector<Key>& into) {
  move(key, entries_.at(key), Stage::kLeaving);
  into.push_back(key);
}

// Frees one place for each waiting connection, if the oldest one has had its time.
void Arrivals::give_way(Group& group, std::int64_t now_ms, std::vector<Key>& into) {
  const bool handshakes = group.shaking.size() >= bounds_.shaking_of_one;
  const auto& oldest = handshakes || group.established.empty() ? group.shaking : group.established;
  if (oldest.empty()) return;
  const Key key = oldest.begin()->second;
  if (now_ms - entries_.at(key).since_ms >= bounds_.grace_ms) leave(key, into);
}

std::vector<Arrivals::Key> Arrivals::overdue(std::int64_t now_ms) {
  std::vector<Key> out;
  while (!ends_.empty() && ends_.front().first <= now_ms) {
    const auto [end, key] = ends_.front();
    ends_.pop_front();
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.since_ms + bounds_.limit_ms != end) continue;
    if (found->second.stage <= Stage::kShaking) leave(key, out);
  }
  const std::vector<PeerAddress> names(held_up_.begin(), held_up_.end());
  for (const PeerAddress& name : names) {
    // Ends as many as wait, until the address is no longer full or its oldest one has time left.
    for (std::size_t places = groups_.at(name).waiting.size(); places > 0; --places) {
      const std::size_t before = out.size();
      give_way(groups_.at(name), now_ms, out);
      if (out.size() == before) break;
    }
  }
  if (shaking_ < bounds_.shaking || may_enter_.empty()) return out;
  // All handshakes are taken: the address that has most of them gives way.
  const Group* most = nullptr;
  for (const auto& [name, group] : groups_) {
    if (most == nullptr || group.shaking.size() > most->shaking.size()) most = &group;
  }
  const Key key = most->shaking.begin()->second;
  if (now_ms - entries_.at(key).since_ms >= bounds_.grace_ms) leave(key, out);
  return out;
}

std::optional<Arrivals::Key> Arrivals::least_worthy() {
  if (by_size_.empty()) return std::nullopt;
  const Group& most = groups_.at(by_size_.rbegin()->second);
  for (const auto* stage : {&most.silent, &most.waiting, &most.shaking, &most.established}) {
    if (stage->empty()) continue;
    const Key key = stage->begin()->second;
    move(key, entries_.at(key), Stage::kLeaving);
    return key;
  }
  return std::nullopt;
}

}  // namespace kith::server
