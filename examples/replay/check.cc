// Compares caches with the file.
#include "check.h"

#include "search_words.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace replay {
namespace {

constexpr std::size_t kCheckersMax = 12;
constexpr int kAttempts = 5;
constexpr std::size_t kWordsOfARoom = 6;  // searched for on each device

struct Expectation {
  Fields rows;
  std::string fingerprint;
  std::vector<SearchWord> words;
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
      Expectation expectation{
          rooms[i]->expected_rows(), {}, search_words(rooms[i]->chat(), kWordsOfARoom)};
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
      for (const auto room : duty.rooms) {
        if (!search(*lease, room, found)) return false;
      }
      const auto same = lease->call("check", words);
      if (!same) return false;
      for (std::size_t i = 0; i < duty.rooms.size(); ++i) {
        const Expectation& expected = expected_[duty.rooms[i]];
        if (same->at(i) == "1") {
          found.deliveries += expected.rows.size() / kRowFields;
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
    verdict_.searches += found.searches;
    verdict_.searches_wrong += found.searches_wrong;
    return true;
  }

  // While online, before what the server has is all in the cache.
  bool search(Lease& lease, std::size_t room, Verdict& found) {
    const auto& words = expected_[room].words;
    Fields request{rooms_[room]->conversation()};
    for (const SearchWord& word : words) {
      request.insert(request.end(),
                     {word.word, std::to_string(word.least), std::to_string(word.most)});
    }
    const auto counts = lease.call("search", request);
    if (!counts || counts->size() != words.size()) return false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::size_t count = std::stoull(counts->at(i));
      ++found.searches;
      if (count < words[i].least || count > words[i].most) ++found.searches_wrong;
    }
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

Verdict check_devices(const std::vector<std::unique_ptr<Room>>& rooms, const Options& options,
                      Stage& stage, Ledger& ledger, std::atomic<std::size_t>& devices_done) {
  Checkers checkers(rooms, options, stage, ledger, devices_done);
  return checkers.run(std::min(kCheckersMax, options.clients));
}

}  // namespace replay
