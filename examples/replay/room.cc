// Sends the lines of one room.
#include "room.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "kith/core/ids.h"

namespace replay {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kUnderWayMax =
    16;                             // lines of one author that may wait for their places together
constexpr auto kPlacedLimit = 20s;  // then the client is asked for their state
constexpr int kRecoverAttempts = 30;

}  // namespace

Room::Room(const ChatRoom& chat, const Options& options, Stage& stage, Ledger& ledger,
           std::uint32_t seed)
    : chat_(chat), options_(options), stage_(stage), ledger_(ledger), random_(seed) {}

void Room::create() {
  Fields words{chat_.name};
  for (std::size_t i = 1; i < chat_.nicks.size(); ++i) words.push_back(chat_.nicks[i]);
  const auto lease = stage_.use({chat_.nicks.at(0), 0});
  const auto answer = lease->call("group", words);
  if (!answer) throw std::runtime_error("a client process ended; see its log");
  conversation_ = answer->at(0);
}

void Room::play() {
  try {
    started_us_ = now_us();
    for (std::size_t i = 0; i < chat_.lines.size(); ++i) {
      const Line& line = chat_.lines[i];
      pace(line);
      const Actor actor{line.nick, random_() % options_.devices};
      if (lease_ && (lease_->actor() != actor || i - settled_ >= kUnderWayMax)) settle();
      post(i, actor);
    }
    settle();
  } catch (const std::exception& failure) {
    ledger_.complain(chat_.name + ": " + failure.what());
  }
  lease_.reset();
}

void Room::pace(const Line& line) {
  if (options_.speed <= 0) return;
  const int minutes = line.minute - chat_.lines[0].minute;
  if (minutes <= 0) return;
  const auto due = started_us_ + static_cast<std::int64_t>(minutes * 60e6 / options_.speed);
  const auto now = now_us();
  if (due > now) std::this_thread::sleep_for(std::chrono::microseconds(due - now));
}

void Room::post(std::size_t index, const Actor& actor) {
  const Line& line = chat_.lines[index];
  const Sent answered = line.reply_to == Line::kNoReply ? Sent{} : sent_.at(line.reply_to);
  sent_.emplace_back();
  for (;;) {
    if (!lease_) lease_ = stage_.use(actor);
    const auto answer = lease_->call("send", {conversation_, answered.id, answered.seq, line.text});
    if (answer) {
      sent_.back().id = answer->at(0);
      ledger_.posted(answer->at(0), std::stoll(answer->at(1)));
      return;
    }
    recover(actor);
    if (!sent_.back().id.empty()) return;  // it was recorded before the process died
  }
}

void Room::settle() {
  while (settled_ < sent_.size()) {
    Sent& next = sent_[settled_];
    const auto limit = now_us() + std::chrono::microseconds(kPlacedLimit).count();
    while (next.seq.empty() && lease_ && !lease_->dead() && now_us() < limit) {
      if (auto seq = ledger_.wait_placed(next.id, 200ms)) next.seq = *seq;
    }
    if (next.seq.empty() && !next.given_up) recover(lease_->actor());
    if (next.seq.empty() && !next.given_up) continue;
    ++settled_;
    ledger_.line_done();
  }
  lease_.reset();
}

void Room::recover(const Actor& actor) {
  const Actor author = actor;  // `actor` may belong to the lease that ends here
  std::string last = "its process dies again and again";
  for (int attempt = 0; attempt < kRecoverAttempts; ++attempt) {
    lease_.reset();
    lease_ = stage_.use(author);
    try {
      // No answer: the process was killed, and its successor may not have started yet.
      if (const auto own = lease_->call("own", {conversation_})) {
        if (learn(*own)) return;
        last = "a message that its outbox had recorded is gone";
      }
    } catch (const std::runtime_error& failure) {
      last = failure.what();
    }
    std::this_thread::sleep_for(100ms);
  }
  ledger_.complain(author.nick + " in " + chat_.name + ": " + last);
  for (std::size_t i = settled_; i < sent_.size(); ++i) {
    if (sent_[i].seq.empty() && !sent_[i].id.empty()) sent_[i].given_up = true;
  }
}

// False while a message that has an id is not found.
bool Room::learn(const Fields& own) {
  bool all = true;
  for (std::size_t i = settled_; i < sent_.size(); ++i) {
    bool found = false;
    for (std::size_t k = 0; k + 2 < own.size() && !found; k += 3) {
      if (sent_[i].id.empty() && own[k + 2] == chat_.lines[i].text && !knows(own[k])) {
        sent_[i].id = own[k];
      }
      found = !sent_[i].id.empty() && own[k] == sent_[i].id;
      if (found) sent_[i].seq = own[k + 1];
    }
    all = all && (found || sent_[i].id.empty());
  }
  return all;
}

bool Room::knows(const std::string& id) const {
  for (const Sent& sent : sent_) {
    if (sent.id == id) return true;
  }
  return false;
}

Fields Room::expected_rows() const {
  Fields out;
  for (std::size_t i = 0; i < chat_.lines.size(); ++i) {
    const Line& line = chat_.lines[i];
    const Sent sent = i < sent_.size() ? sent_[i] : Sent{};
    std::string reply = "0";
    if (line.reply_to != Line::kNoReply && line.reply_to < sent_.size() &&
        !sent_[line.reply_to].seq.empty()) {
      reply = sent_[line.reply_to].seq;
    }
    out.insert(out.end(), {sent.id, kith::UserId::of(line.nick).to_string(), reply, line.text});
  }
  return out;
}

}  // namespace replay
