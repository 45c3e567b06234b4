// Promises against histories.
#include "tests/integration/kill/kill_verdict.h"

#include <algorithm>
#include <map>
#include <set>

namespace killing {
namespace {

constexpr std::size_t kSentencesMax = 20;

using Place = std::pair<std::string, std::uint64_t>;  // conversation, seq

class Court {
 public:
  Verdict judge(const std::vector<Device>& devices,
                const std::vector<std::vector<replay::Fields>>& journals) {
    for (const auto& journal : journals) read(journal);
    for (const Device& device : devices) {
      for (const Row& row : device.rows) agree(device, row);
    }
    for (const Device& device : devices) look(device);
    verdict_.messages = place_of_.size();
    verdict_.accepted = accepted_.size();
    verdict_.acked = acked_.size();
    return std::move(verdict_);
  }

 private:
  void say(std::size_t Verdict::*count, const std::string& sentence) {
    ++(verdict_.*count);
    tell(sentence);
  }
  void tell(const std::string& sentence) {
    if (verdict_.sentences.size() < kSentencesMax) verdict_.sentences.push_back(sentence);
  }

  void read(const std::vector<replay::Fields>& journal) {
    const std::size_t writer = writers_++;
    for (const replay::Fields& line : journal) {
      if (line.size() == 3 && line[0] == "try") {
        const std::size_t turn = tried_.size();
        tried_[line[2]] = {writer, turn};
      } else if (line.size() == 4 && line[0] == "accepted") {
        accepted_[line[2]] = {line[1], line[3]};
      } else if (line.size() == 4 && (line[0] == "acked" || line[0] == "seen")) {
        if (line[0] == "acked") acked_.insert(line[2]);
        const Place place{line[1], std::stoull(line[3])};
        if (const auto [known, fresh] = told_.emplace(line[2], place);
            !fresh && known->second != place) {
          say(&Verdict::disordered, "message " + line[2] + " was shown at two places");
        }
      } else {
        tell("journal: " + replay::join(line));
      }
    }
  }

  // One place has one message and one message one place, on all devices.
  void agree(const Device& device, const Row& row) {
    const Place place{row.conversation, row.seq};
    if (const auto [at, fresh] = id_at_.emplace(place, row.id); !fresh && at->second != row.id) {
      say(&Verdict::disordered,
          device.name + " holds another message at seq " + std::to_string(row.seq));
    }
    place_of_.emplace(row.id, place);
    const auto [text, fresh] = id_of_text_.emplace(row.text, row.id);
    if (!fresh && text->second != row.id)
      say(&Verdict::duplicated, row.text + " has two ids on " + device.name);
    if (!tried_.count(row.text))
      say(&Verdict::invented, row.text + " on " + device.name + " was written by nobody");
  }

  void look(const Device& device) {
    std::map<std::string, std::uint64_t> seen;
    std::map<std::string, std::uint64_t> top;  // of a conversation
    std::map<std::pair<std::string, std::size_t>, std::size_t>
        turn_before;  // of a writer in a conversation
    for (const Row& row : device.rows) {
      if (!seen.emplace(row.id, row.seq).second)
        say(&Verdict::duplicated, row.text + " is twice on " + device.name);
      std::uint64_t& before = top[row.conversation];
      if (row.seq <= before)
        say(&Verdict::disordered, row.text + " is out of order on " + device.name);
      before = row.seq;
      const auto tried = tried_.find(row.text);
      if (tried == tried_.end()) continue;
      std::size_t& turn = turn_before[{row.conversation, tried->second.first}];
      if (tried->second.second + 1 <= turn)
        say(&Verdict::disordered, row.text + " overtook an earlier message");
      turn = tried->second.second + 1;
    }
    const auto member = [&](const std::string& room) {
      return std::find(device.rooms.begin(), device.rooms.end(), room) != device.rooms.end();
    };
    const auto missing = [&](const std::string& id, const std::string& room, const char* promise) {
      if (member(room) && !seen.count(id))
        say(&Verdict::lost, promise + (" message " + id) + " is not on " + device.name);
    };
    for (const auto& [id, told] : told_) {
      missing(id, told.first, "shown");
      const auto place = place_of_.find(id);
      if (place != place_of_.end() && place->second != told) {
        say(&Verdict::disordered, "message " + id + " moved after it was shown");
      }
    }
    for (const auto& [id, what] : accepted_) {
      if (!told_.count(id)) missing(id, what.first, "accepted");
    }
    for (const auto& [id, place] : place_of_) {
      if (!told_.count(id) && !accepted_.count(id)) missing(id, place.first, "stored");
    }
  }

  Verdict verdict_;
  std::size_t writers_ = 0;
  std::map<std::string, std::pair<std::size_t, std::size_t>> tried_;     // text: writer, turn
  std::map<std::string, std::pair<std::string, std::string>> accepted_;  // id: conversation, text
  std::set<std::string> acked_;
  std::map<std::string, Place> told_;
  std::map<Place, std::string> id_at_;
  std::map<std::string, Place> place_of_;
  std::map<std::string, std::string> id_of_text_;
};

}  // namespace

Verdict judge(const std::vector<Device>& devices,
              const std::vector<std::vector<replay::Fields>>& journals) {
  return Court().judge(devices, journals);
}

}  // namespace killing
