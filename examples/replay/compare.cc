// Compares a device with the file.
#include "compare.h"

#include <algorithm>
#include <map>
#include <set>

namespace replay {

void compare(const Fields& expected, const Fields& rows, Verdict& verdict) {
  std::map<std::string, std::size_t> place;    // id -> row of the file
  std::map<std::string, std::size_t> sent_by;  // author and text -> how often the file has it
  for (std::size_t i = 0; i + kRowFields <= expected.size(); i += kRowFields) {
    if (!expected[i].empty()) place[expected[i]] = i;
    ++sent_by[expected[i + 1] + expected[i + 3]];
  }
  std::set<std::string> seen;
  std::size_t highest = 0;
  for (std::size_t i = 0; i + kRowFields <= rows.size(); i += kRowFields) {
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
                    rows.begin() + static_cast<std::ptrdiff_t>(i + kRowFields),
                    expected.begin() + static_cast<std::ptrdiff_t>(row + 1))) {
      ++verdict.wrong;
    }
  }
  verdict.lost += expected.size() / kRowFields - seen.size();
}

}  // namespace replay
