// The segments of the journal in their order: found again at start, written at the end, given free
// at the front.
#include "server/adapters/embedded/log_segments.h"

#include <algorithm>
#include <utility>

#include "server/adapters/embedded/log_segment.h"

namespace kith::server {

namespace {

constexpr std::string_view kSuffix = ".log";
constexpr const char* kUnfinished = "next.tmp";
// Free files that are kept for use: the store empties the journal in steps of a second.
constexpr std::size_t kSparesMax = 2;
// A new file grows in steps of this size, filled with zeros: a commit that makes a file longer waits
// for the file system's journal, and at sixteen senders one in a hundred does.
constexpr std::uint64_t kGrowBytes = 256 * 1024;
// The part of a commit that is held in memory.
constexpr std::size_t kWriteBytes = 1024 * 1024;

std::string name_of(std::uint64_t sequence) {
  std::string digits = std::to_string(sequence);
  digits.insert(0, 20 - std::min<std::size_t>(digits.size(), 20), '0');
  return digits.append(kSuffix);
}

}  // namespace

LogSegments::LogSegments(std::unique_ptr<LogFolder> folder, const Options& options)
    : folder_(std::move(folder)), segment_bytes_(options.segment_bytes), random_(options.random) {}

Result<std::unique_ptr<LogSegments>> LogSegments::open(std::unique_ptr<LogFolder> folder,
                                                       const Options& options, Position after) {
  std::unique_ptr<LogSegments> log(new LogSegments(std::move(folder), options));
  if (auto found = log->find(); !found) return found.error();
  if (log->segments_.empty()) {
    if (auto made = log->next_segment(after + 1); !made) return made.error();
    log->found_last_ = after;
  }
  return log;
}

Error LogSegments::damaged(const Segment& segment) const {
  return make_error(ErrorCode::kCacheCorrupt,
                    folder_->path_of(segment.name) + ": records that were kept are not readable");
}

// --- at start ---

Status LogSegments::find() {
  const auto names = folder_->names();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name == kUnfinished) {
      (void)folder_->remove(name);  // written over when it is needed again
    } else if (name.ends_with(kSuffix)) {
      if (auto found = find_file(name); !found) return found;
    }
  }
  if (segments_.empty() && !spares_.empty()) {
    return make_error(ErrorCode::kCacheCorrupt,
                      folder_->path_of(spares_.front()) + ": all that is left, and it is free");
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.sequence < b.sequence; });
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (auto checked = check(i); !checked) return checked;
  }
  return {};
}

Status LogSegments::find_file(const std::string& name) {
  const auto file = folder_->open(name);
  if (!file) return file.error();
  const auto header = read_segment_header(**file, folder_->path_of(name));
  if (!header) return header.error();
  sequence_ = std::max(sequence_, header->sequence);
  if (!header->free) {
    segments_.push_back({name, header->sequence, header->salt, header->first, kSegmentHeaderBytes});
  } else if (spares_.size() < kSparesMax) {
    spares_.push_back(name);
  } else {
    (void)folder_->remove(name);  // found free again the next time
  }
  return {};
}

// Records of a segment at or beyond the first position of the next one were rejected: a failed
// commit ends a segment.
Status LogSegments::check(std::size_t index) {
  Segment& segment = segments_[index];
  if (index + 1 == segments_.size()) return check_last(segment);
  const Segment& next = segments_[index + 1];
  if (next.sequence == segment.sequence || next.first < segment.first) return damaged(next);
  auto file = folder_->open(segment.name);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  BlockReader reader(**file, segment.salt, kSegmentHeaderBytes, *size, segment.first);
  while (reader.next_position() < next.first) {
    const auto block = reader.next();
    if (!block) return block.error();
    if (!*block) break;
  }
  if (reader.next_position() != next.first) return damaged(segment);
  segment.end = reader.offset();
  return {};
}

Status LogSegments::check_last(Segment& last) {
  auto file = folder_->open(last.name);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  BlockReader reader(**file, last.salt, kSegmentHeaderBytes, *size, last.first);
  while (true) {
    const auto block = reader.next();
    if (!block) return block.error();
    if (!*block) break;
  }
  const auto rest = reader.rest();
  if (!rest) return rest.error();
  if (*rest == BlockReader::Rest::kDamaged) return damaged(last);
  last.end = written_ = reader.offset();
  file_bytes_ = *size;
  if (*rest == BlockReader::Rest::kTorn) {
    // Its later blocks may be whole: a new commit of the same length would make them valid again.
    if (auto cut = (*file)->cut(written_); !cut) return cut;
    file_bytes_ = written_;
  }
  // The process before may have been killed between write and sync; from now on others rely on it.
  if (auto synced = (*file)->sync(); !synced) return synced;
  found_last_ = reader.next_position() - 1;
  file_ = std::move(*file);
  return {};
}

// --- writing ---

// The header is durable before the first block is written, so that a block never stands in a file
// that says something else.
Status LogSegments::next_segment(Position first) {
  file_.reset();
  Segment next;
  next.first = first;
  next.end = kSegmentHeaderBytes;
  while (!file_ && !spares_.empty()) {
    const std::string name = std::move(spares_.back());
    spares_.pop_back();
    (void)reuse_file(name, next);
  }
  if (!file_) {
    if (auto made = make_file(next); !made) return made;
  }
  written_ = kSegmentHeaderBytes;
  list_segment(next);
  return {};
}

// Also one that fails halfway, as an empty one: it may be found at the next start, and has to be
// given free in its turn, so that it is never taken for one that lost its records.
void LogSegments::list_segment(const Segment& segment) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(segment);
}

Status LogSegments::reuse_file(const std::string& name, Segment& next) {
  next.name = name;
  next.sequence = ++sequence_;
  random_.fill(&next.salt, sizeof next.salt);
  auto file = folder_->open(name);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const SegmentHeader header{false, next.sequence, next.first, next.salt};
  Status made = (*file)->write(encode_segment_header(header), 0);
  if (made) made = (*file)->sync();
  if (!made) {
    list_segment(next);
    return made;
  }
  file_bytes_ = *size;
  file_ = std::move(*file);
  return {};
}

Status LogSegments::make_file(Segment& next) {
  next.sequence = ++sequence_;
  next.name = name_of(next.sequence);
  random_.fill(&next.salt, sizeof next.salt);
  auto file = folder_->create(kUnfinished);
  if (!file) return file.error();
  const SegmentHeader header{false, next.sequence, next.first, next.salt};
  Status made = (*file)->write(encode_segment_header(header), 0);
  if (made) made = (*file)->sync();
  if (made) made = folder_->rename(kUnfinished, next.name);
  if (!made) {
    (void)folder_->remove(kUnfinished);
    return made;
  }
  if (made = folder_->sync(); !made) {
    list_segment(next);
    return made;
  }
  file_bytes_ = kSegmentHeaderBytes;
  file_ = std::move(*file);
  return {};
}

void LogSegments::add(Position first, std::uint32_t count, std::string_view row) {
  if (!begun_) {
    begun_ = first;
    if (file_ == nullptr || written_ >= segment_bytes_) failed_ = next_segment(first);
  }
  if (!failed_) return;
  append_block(buffer_, segments_.back().salt,
               {first, count, static_cast<std::uint32_t>(first - *begun_), row});
  if (buffer_.size() >= kWriteBytes) flush();
}

void LogSegments::flush() {
  if (failed_) failed_ = file_->write(buffer_, written_);
  if (failed_) written_ += buffer_.size();
  buffer_.clear();
}

// Only a wish: without room for the zeros there may still be room for records.
void LogSegments::grow() {
  static const std::string zeros(kGrowBytes, '\0');
  if (written_ <= file_bytes_) return;
  file_bytes_ = written_;
  const std::uint64_t wanted =
      std::min((written_ / kGrowBytes + 1) * kGrowBytes, std::max(segment_bytes_, written_));
  if (wanted == written_) return;
  if (file_->write(std::string_view(zeros).substr(0, wanted - written_), written_)) {
    file_bytes_ = wanted;
  }
}

Status LogSegments::commit() {
  if (!begun_) return {};
  flush();
  const bool written = failed_.ok();
  if (written) {
    grow();
    failed_ = file_->sync();
  }
  Status done = std::exchange(failed_, {});
  if (done) {
    const std::lock_guard lock(mutex_);
    segments_.back().end = written_;
  } else if (file_ != nullptr) {
    give_up(written);
  }
  begun_.reset();
  return done;
}

// Rejected records must not be found at the next start, so they are cut off. After a failed sync
// the file is not trusted any more in any case: the system may have dropped pages that it could not
// write, and reports that only once. The next segment begins at the same position, which also voids
// records that could not be cut off; it is tried at once, and else with the next commit.
void LogSegments::give_up(bool sync_failed) {
  written_ = file_bytes_ = segments_.back().end;
  const bool gone = file_->cut(written_).ok() && file_->sync().ok();
  if (gone && !sync_failed) return;
  file_.reset();
  if (!gone) (void)next_segment(*begun_);
}

// --- giving free ---

// While the last segment could not be begun, those before it are all that a start can rely on.
bool LogSegments::trim(Position upto) {
  if (file_ == nullptr) return false;
  Segment oldest;
  {
    const std::lock_guard lock(mutex_);
    if (segments_.size() < 2 || segments_[1].first > upto + 1) return false;
    oldest = std::move(segments_.front());
    segments_.erase(segments_.begin());
  }
  if (free_file(oldest)) return true;
  if (folder_->remove(oldest.name) && folder_->sync()) return true;
  const std::lock_guard lock(mutex_);
  segments_.insert(segments_.begin(), std::move(oldest));
  return false;
}

// Durable before the file is written or removed: after a crash it must not be taken for one that
// lost its records.
bool LogSegments::free_file(const Segment& segment) {
  const SegmentHeader header{true, segment.sequence, segment.first, segment.salt};
  const auto file = folder_->open(segment.name);
  if (!file || !(*file)->write(encode_segment_header(header), 0) || !(*file)->sync()) return false;
  const auto size = (*file)->size();
  // A single commit may be much larger than a segment.
  if (spares_.size() < kSparesMax && size && *size <= 2 * segment_bytes_) {
    spares_.push_back(segment.name);
  } else {
    (void)folder_->remove(segment.name);  // found free at the next start
  }
  return true;
}

std::vector<Segment> LogSegments::list() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

bool LogSegments::has(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(segments_.begin(), segments_.end(),
                     [sequence](const Segment& s) { return s.sequence == sequence; });
}

}  // namespace kith::server
