// The list of runs in a data directory (the file runs).
#include "server/adapters/embedded/run_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "server/adapters/embedded/durable_file.h"
#include "src/hash.h"

namespace kith::server {
namespace {

constexpr const char* kHead = "kith-runs 1";
constexpr std::size_t kRunBytes = 16;

struct RunList {
  std::uint64_t place = 0;    // inode of the directory's lock; 0 = a copy
  std::int64_t whole_ms = 0;  // of a copy of several logs
  std::vector<Run> runs;
};

std::uint64_t place_of(const std::string& dir) {
  struct stat status {};
  return ::stat((dir + "/lock").c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string text_of(const RunList& list) {
  std::string text = std::string(kHead) + "\nplace " + std::to_string(list.place) + "\n";
  if (list.whole_ms != 0) text += "whole " + std::to_string(list.whole_ms) + "\n";
  for (const Run& run : list.runs) {
    text += base64url_encode(run.id) + " " + std::to_string(run.first) + " " +
            std::to_string(run.kept_until_ms) + " " + (run.copied ? "1" : "0") + "\n";
  }
  return text + "end\n";
}

std::optional<RunList> parse(std::istream& file) {
  RunList list;
  std::string line;
  std::string word;
  if (!std::getline(file, line) || line != kHead) return std::nullopt;
  if (!(file >> word >> list.place) || word != "place") return std::nullopt;
  while (file >> word && word != "end") {
    if (word == "whole") {
      if (!(file >> list.whole_ms)) return std::nullopt;
      continue;
    }
    Run run;
    const auto id = base64url_decode(word);
    if (!id || id->size() != kRunBytes) return std::nullopt;
    run.id = *id;
    if (!(file >> run.first >> run.kept_until_ms >> run.copied)) return std::nullopt;
    list.runs.push_back(std::move(run));
  }
  if (word != "end") return std::nullopt;
  return list;
}

}  // namespace

Result<RunHistory> begin_run(const std::string& dir, Position last, std::int64_t last_ms,
                             Random& random) {
  const std::string path = dir + "/runs";
  RunList list;
  const std::uint64_t place = place_of(dir);
  if (std::ifstream file(path, std::ios::binary); file) {
    auto read = parse(file);
    if (!read) {
      return make_error(ErrorCode::kCacheCorrupt,
                        path + ": is damaged; remove it, and devices fetch their history anew");
    }
    list = std::move(*read);
  }
  Run run;
  run.id.resize(kRunBytes);
  random.fill(run.id.data(), run.id.size());
  run.first = last + 1;
  run.kept_until_ms = list.whole_ms == 0 ? last_ms : std::min(last_ms, list.whole_ms);
  run.copied = !list.runs.empty() && list.place != place;
  list.place = place;
  list.whole_ms = 0;
  list.runs.push_back(std::move(run));
  if (list.runs.size() > RunHistory::kRunsMax) list.runs.erase(list.runs.begin());
  if (Status written = write_durable_file(dir, "runs", text_of(list)); !written) {
    return written.error();
  }
  return RunHistory(std::move(list.runs));
}

Status write_copied_runs(const RunHistory& runs, std::int64_t whole_ms, const std::string& to) {
  return write_durable_file(to, "runs", text_of({0, whole_ms, runs.runs()}));
}

}  // namespace kith::server
