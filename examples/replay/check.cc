// Compares caches with the file.
#include "check.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace replay {
namespace {

constexpr std::size_t kRow = 4;  // ID SENDER REPLY_SEQ TEXT
constexpr std::size_t kCheckersMax = 12;
constexpr int kAttempts = 5;

struct Expectation {
  Fields rows;
  std::string fingerprint;
};

struct Duty {
  Actor actor;
  std::vector<std::size_t> rooms;
};

// Several threads take duties from one list.
class Checkers {
 public:
  Checkers(const std::vector<std::unique_ptr<Room>>& rooms, const Options& options, Stage& stage,
           Ledger& ledger, std::atomic<std::size_t>& done)
      : rooms_(rooms), stage_(stage), ledger_(ledger), done_(done) {
    std::map<std::string, std::vector<std::size_t>> rooms_of;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      Expectation expectation{rooms[i]->expected_rows(), {}};
      Fingerprint fingerprint;
      for (const auto& field : expectation.rows) fingerprint.add(field);
      expectation.fingerprint = fingerprint.text();
      expected_.push_back(std::move(expectation));
      for (const auto& nick : rooms[i]->chat().nicks) rooms_of[nick].push_back(i);
    }
    for (const auto& [nick, list] : rooms_of) {
      for (std::size_t device = 0; device < options.devices; ++device) {
        duties_.push_back({{nick, device}, list});
      }
    }
  }

  Verdict run(std::size_t threads) {
    std::vector<std::thread> pool;
    for (std::size_t i = 0; i < threads; ++i) pool.emplace_back([this] { work(); });
    for (auto& thread : pool) thread.join();
    verdict_.devices = duties_.size();
    return verdict_;
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < duties_.size(); i = next_++) {
      fulfil(duties_[i]);
      ++done_;
    }
  }

  void fulfil(const Duty& duty) {
    std::string last = "its process ended";
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      try {
        if (look(duty)) return;
      } catch (const std::runtime_error& failure) {
        last = failure.what();
      }
      stage_.leave(duty.actor);
    }
    ledger_.complain("device " + std::to_string(duty.actor.device) + " of " + duty.actor.nick +
                     " cannot be checked: " + last);
    const std::lock_guard lock(mutex_);
    for (const auto room : duty.rooms) verdict_.lost += rooms_[room]->lines();
  }

  bool look(const Duty& duty) {
    Verdict found;
    {
      const auto lease = stage_.use(duty.actor);
      Fields words;
      for (const auto room : duty.rooms) {
        words.push_back(rooms_[room]->conversation());
        words.push_back(expected_[room].fingerprint);
      }
      const auto same = lease->call("check", words);
      if (!same) return false;
      for (std::size_t i = 0; i < duty.rooms.size(); ++i) {
        const Expectation& expected = expected_[duty.rooms[i]];
        if (same->at(i) == "1") {
          found.deliveries += expected.rows.size() / kRow;
          continue;
        }
        const auto rows = lease->call("rows", {words[2 * i]});
        if (!rows) return false;
        compare(expected.rows, *rows, found);
      }
    }
    stage_.leave(duty.actor);
    const std::lock_guard lock(mutex_);
    verdict_.deliveries += found.deliveries;
    verdict_.lost += found.lost;
    verdict_.duplicated += found.duplicated;
    verdict_.out_of_order += found.out_of_order;
    verdict_.wrong += found.wrong;
    return true;
  }

  const std::vector<std::unique_ptr<Room>>& rooms_;
  Stage& stage_;
  Ledger& ledger_;
  std::atomic<std::size_t>& done_;
  std::vector<Expectation> expected_;
  std::vector<Duty> duties_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Verdict verdict_;
};

}  // namespace

void compare(const Fields& expected, const Fields& rows, Verdict& verdict) {
  std::map<std::string, std::size_t> place;    // id -> row of the file
  std::map<std::string, std::size_t> sent_by;  // author and text -> how often the file has it
  for (std::size_t i = 0; i + kRow <= expected.size(); i += kRow) {
    if (!expected[i].empty()) place[expected[i]] = i;
    ++sent_by[expected[i + 1] + expected[i + 3]];
  }
  std::set<std::string> seen;
  std::size_t highest = 0;
  for (std::size_t i = 0; i + kRow <= rows.size(); i += kRow) {
    const auto it = place.find(rows[i]);
    if (it == place.end()) {
      // A message of the file under a second id was sent twice; anything else was never sent.
      ++(sent_by.contains(rows[i + 1] + rows[i + 3]) ? verdict.duplicated : verdict.wrong);
      continue;
    }
    if (!seen.insert(rows[i]).second) {
      ++verdict.duplicated;
      continue;
    }
    ++verdict.deliveries;
    const std::size_t row = it->second;
    if (row < highest) ++verdict.out_of_order;
    highest = std::max(highest, row);
    if (!std::equal(rows.begin() + static_cast<std::ptrdiff_t>(i + 1),
                    rows.begin() + static_cast<std::ptrdiff_t>(i + kRow),
                    expected.begin() + static_cast<std::ptrdiff_t>(row + 1))) {
      ++verdict.wrong;
    }
  }
  verdict.lost += expected.size() / kRow - seen.size();
}

Verdict check_devices(const std::vector<std::unique_ptr<Room>>& rooms, const Options& options,
                      Stage& stage, Ledger& ledger, std::atomic<std::size_t>& devices_done) {
  Checkers checkers(rooms, options, stage, ledger, devices_done);
  return checkers.run(std::min(kCheckersMax, options.clients));
}

}  // namespace replay
