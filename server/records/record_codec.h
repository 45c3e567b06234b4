// Many log records as one row: what the embedded command log keeps on its disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kith/server/ports/record_codec.h"
#include "kith/server/ports/records.h"

namespace kith::v1 {
class LogRecord;
}

namespace kith::server {

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
