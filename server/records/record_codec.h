// Log records as bytes: what a command log keeps on its disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::v1 {
class LogRecord;
}

namespace kith::server {

// The reply token is left out: it means nothing to a later process.
std::string encode_record(const LogRecord& record);
// Fails with kCacheCorrupt.
Result<LogRecord> decode_record(std::string_view bytes);

// Several records as one row. It keeps its memory from one to the next; one thread at a time.
class RecordPacker {
 public:
  RecordPacker();
  ~RecordPacker();
  RecordPacker(const RecordPacker&) = delete;
  RecordPacker& operator=(const RecordPacker&) = delete;

  void add(const LogRecord& record);
  [[nodiscard]] const std::string& row() const { return row_; }
  void clear() { row_.clear(); }

 private:
  std::unique_ptr<v1::LogRecord> scratch_;
  std::string row_;
};

// The records of a row, undecoded, in their order; a row may also be one record as encode_record()
// makes it. Nothing if it is neither.
std::vector<std::string_view> unpack_records(std::string_view row);

}  // namespace kith::server
