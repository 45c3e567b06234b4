// Times and places of messages under way.
#include "ledger.h"

#include <algorithm>

namespace replay {
namespace {

constexpr std::size_t kComplaintsMax = 20;

}  // namespace

void Ledger::told(const Fields& fields) {
  if (fields.size() < 3) return;
  const std::string& id = fields[2];
  if (fields[1] == "failed") return complain("a message was refused for good: " + id);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[id];
  if (fields[1] == "sent" && fields.size() == 5) {
    if (!entry.seq.empty()) return;
    entry.seq = fields[3];
    entry.placed = std::stoll(fields[4]);
    changed_.notify_all();
  }
  if (fields[1] == "got" && fields.size() == 4) {
    const std::int64_t at = std::stoll(fields[3]);
    if (entry.posted) {
      received_.push_back(static_cast<float>(at - entry.posted) / 1000.0F);
    } else {
      early_.emplace_back(id, at);
    }
  }
}

void Ledger::posted(const std::string& id, std::int64_t at_us) {
  const std::lock_guard lock(mutex_);
  entries_[id].posted = at_us;
}

std::optional<std::string> Ledger::wait_placed(const std::string& id,
                                               std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto placed = [&] { return !entries_[id].seq.empty(); };
  if (!changed_.wait_for(lock, limit, placed)) return std::nullopt;
  return entries_[id].seq;
}

void Ledger::line_done() {
  const std::lock_guard lock(mutex_);
  ++done_;
}

std::size_t Ledger::lines_done() {
  const std::lock_guard lock(mutex_);
  return done_;
}

void Ledger::complain(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  if (complaints_.size() < kComplaintsMax) complaints_.push_back(sentence);
}

std::vector<std::string> Ledger::complaints() {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

std::vector<double> Ledger::sent_ms() {
  const std::lock_guard lock(mutex_);
  std::vector<double> out;
  for (const auto& [id, entry] : entries_) {
    if (entry.posted && entry.placed) {
      out.push_back(static_cast<double>(entry.placed - entry.posted) / 1000.0);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<double> Ledger::received_ms() {
  const std::lock_guard lock(mutex_);
  std::vector<double> out(received_.begin(), received_.end());
  for (const auto& [id, at] : early_) {
    const auto it = entries_.find(id);
    if (it != entries_.end() && it->second.posted) {
      out.push_back(static_cast<double>(at - it->second.posted) / 1000.0);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace replay
