// The segments of the journal in their order: found again at start, written at the end, given free
// at the front.
//
// A segment that is given free is not renamed and not emptied: its header says so, and the file
// becomes the next segment where it lies. Writing over what a file has already changes nothing in
// the file system's own tables, so a commit waits for its own bytes only.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/random.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"
#include "server/adapters/embedded/log_folder.h"

namespace kith::server {

struct Segment {
  std::string name;
  std::uint64_t sequence = 0;
  std::uint64_t salt = 0;
  Position first = 0;
  std::uint64_t end = 0;  // of what is committed, in bytes
};

class LogSegments {
 public:
  // A commit that begins beyond this begins the next segment. Some seconds at the highest pace: the
  // next one costs two more syncs, and all of a segment stays while one record of it is needed.
  static constexpr std::uint64_t kSegmentBytes = 8 * 1024 * 1024;

  struct Options {
    std::uint64_t segment_bytes = kSegmentBytes;
    Random& random = system_random();
  };
  // Finds what is in `folder`; the first segment of an empty one begins after `after`. Fails with
  // kCacheCorrupt (a record that was committed is missing), kCacheTooNew, kDiskFull, kIo.
  static Result<std::unique_ptr<LogSegments>> open(std::unique_ptr<LogFolder> folder,
                                                   const Options& options, Position after = 0);

  // The position behind which open() found no record.
  [[nodiscard]] Position found_last() const { return found_last_; }
  LogFolder& folder() { return *folder_; }
  // Returns committed records, oldest first. Threads: any.
  [[nodiscard]] std::vector<Segment> list() const;
  // False: the segment was given free, its file may hold another one. Threads: any.
  [[nodiscard]] bool has(std::uint64_t sequence) const;

  // --- the writer's thread ---

  // `count` records as one row; `first`: the position of the first. commit() returns a failure.
  void add(Position first, std::uint32_t count, std::string_view row);
  // Makes what was added durable, in one sync. A failure: none of it is in the log, nor will it ever
  // be found there; the next add() begins at the same position.
  Status commit();
  // Gives the oldest segment free if it holds nothing beyond `upto`. False: there is none, its header
  // could not be written, or nothing can be written at the moment.
  bool trim(Position upto);

 private:
  LogSegments(std::unique_ptr<LogFolder> folder, const Options& options);
  Status find();
  Status find_file(const std::string& name);
  Status check(std::size_t index);
  Status check_last(Segment& last);
  Status next_segment(Position first);
  Status reuse_file(const std::string& name, Segment& next);
  Status make_file(Segment& next);
  void list_segment(const Segment& segment);
  bool free_file(const Segment& segment);
  void flush();
  void grow();
  void give_up(bool sync_failed);
  [[nodiscard]] Error damaged(const Segment& segment) const;

  const std::unique_ptr<LogFolder> folder_;
  const std::uint64_t segment_bytes_;
  Random& random_;
  Position found_last_ = 0;

  mutable std::mutex mutex_;
  std::vector<Segment> segments_;  // changed by the writer's thread only

  // The writer's thread.
  std::uint64_t sequence_ = 0;       // the highest that was ever used
  std::vector<std::string> spares_;  // names of free files
  std::unique_ptr<LogFile> file_;    // of the last segment; null: the next commit begins another
  std::uint64_t written_ = 0;        // end of what was written to it
  std::uint64_t file_bytes_ = 0;     // its size
  std::string buffer_;               // to be written behind that
  std::optional<Position> begun_;    // first position of the commit that is being added
  Status failed_;                    // its first failure
};

}  // namespace kith::server
