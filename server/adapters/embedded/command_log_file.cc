// The command log in files of its own (the directory journal): one writer thread, group commit,
// every commit synced.
#include "server/adapters/embedded/command_log_file.h"

#include <algorithm>
#include <utility>

#include "server/adapters/embedded/log_segment.h"
#include "server/records/record_codec.h"

namespace kith::server {

namespace {

Error unreadable(Position position) {
  return make_error(ErrorCode::kCacheCorrupt,
                    "journal record " + std::to_string(position) + " is not readable");
}

}  // namespace

Result<std::unique_ptr<CommandLogFile>> CommandLogFile::open(const std::string& path,
                                                             Executor& executor) {
  auto folder = open_log_folder(path);
  if (!folder) return folder.error();
  return open(std::move(*folder), executor, LogSegments::Options());
}

Result<std::unique_ptr<CommandLogFile>> CommandLogFile::open(std::unique_ptr<LogFolder> folder,
                                                             Executor& executor,
                                                             const LogSegments::Options& options) {
  auto segments = LogSegments::open(std::move(folder), options);
  if (!segments) return segments.error();
  return std::unique_ptr<CommandLogFile>(new CommandLogFile(std::move(*segments), executor));
}

CommandLogFile::CommandLogFile(std::unique_ptr<LogSegments> segments, Executor& executor)
    : segments_(std::move(segments)),
      row_(std::make_unique<RecordPacker>()),
      queue_(*this, segments_->found_last(), executor) {}

CommandLogFile::~CommandLogFile() = default;

void CommandLogFile::append(LogRecord record, Committed committed) {
  queue_.append(std::move(record), std::move(committed));
}

Status CommandLogFile::write(const std::vector<CommitQueue::Waiting>& batch, Position first) {
  std::uint32_t count = 0;
  for (const CommitQueue::Waiting& item : batch) {
    row_->add(item.record);
    ++count;
    if (row_->row().size() < kRowBytes && &item != &batch.back()) continue;
    segments_->add(first, count, row_->row());
    row_->clear();
    first += count;
    count = 0;
  }
  return segments_->commit();
}

Status CommandLogFile::copy_to(const std::string& to) {
  constexpr std::size_t kPiece = 1024 * 1024;
  auto folder = open_log_folder(to);
  if (!folder) return folder.error();
  for (const Segment& segment : segments_->list()) {
    auto from = segments_->folder().open(segment.name);
    if (!from) return from.error();
    auto copy = (*folder)->create(segment.name);
    if (!copy) return copy.error();
    for (std::uint64_t at = 0; at < segment.end;) {
      const auto wanted = std::min<std::uint64_t>(kPiece, segment.end - at);
      const auto bytes = (*from)->read(at, static_cast<std::size_t>(wanted));
      if (!bytes) return bytes.error();
      if (bytes->empty()) return unreadable(segment.first);
      if (Status written = (*copy)->write(*bytes, at); !written) return written;
      at += bytes->size();
    }
    if (Status synced = (*copy)->sync(); !synced) return synced;
  }
  return (*folder)->sync();
}

Result<std::vector<LogEntry>> CommandLogFile::read(Position after, std::size_t limit) {
  std::vector<LogEntry> entries;
  const std::vector<Segment> segments = segments_->list();
  for (std::size_t i = 0; i < segments.size() && entries.size() < limit; ++i) {
    if (i + 1 < segments.size() && segments[i + 1].first <= after + 1) continue;
    const std::size_t before = entries.size();
    if (auto status = read_segment(segments[i], after, limit, entries); !status) {
      if (segments_->has(segments[i].sequence)) return status.error();
      entries.resize(before);  // trimmed meanwhile: nobody needs it
    }
  }
  return entries;
}

Status CommandLogFile::read_segment(const Segment& segment, Position after, std::size_t limit,
                                    std::vector<LogEntry>& entries) {
  auto file = segments_->folder().open(segment.name);
  if (!file) return file.error();
  if (cursor_.sequence != segment.sequence || cursor_.next > after + 1) {
    cursor_ = {segment.sequence, kSegmentHeaderBytes, segment.first};
  }
  BlockReader reader(**file, segment.salt, cursor_.offset, segment.end, cursor_.next);
  while (entries.size() < limit && reader.offset() < segment.end) {
    cursor_ = {segment.sequence, reader.offset(), reader.next_position()};
    const auto block = reader.next();
    if (!block) return block.error();
    if (!*block) return unreadable(reader.next_position());
    const auto records = unpack_records((*block)->payload);
    if (records.size() != (*block)->count) return unreadable((*block)->first);
    Position position = (*block)->first;
    for (const std::string_view bytes : records) {
      if (position++ <= after || entries.size() >= limit) continue;
      auto record = decode_record(bytes);
      if (!record) return unreadable(position - 1);
      entries.push_back({position - 1, std::move(*record)});
    }
  }
  return {};
}

}  // namespace kith::server
