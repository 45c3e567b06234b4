// A segment of the journal as bytes: a header, then blocks of records, one commit behind the other.
//
// A file is used again and again. The segment's salt, drawn anew for each use, makes a block valid:
// neither remains of an earlier use nor bytes that a file system may show after a crash have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kith/core/result.h"
#include "kith/server/ports/records.h"
#include "server/adapters/embedded/log_folder.h"

namespace kith::server {

// A page of its own: writing blocks never rewrites it.
constexpr std::uint64_t kSegmentHeaderBytes = 4'096;
constexpr std::uint64_t kBlockHeaderBytes = 32;

struct SegmentHeader {
  bool free = false;           // holds nothing that is needed
  std::uint64_t sequence = 0;  // of this use of the file; each is greater than all before
  Position first = 0;          // of the first record
  std::uint64_t salt = 0;
};

// kSegmentHeaderBytes.
std::string encode_segment_header(const SegmentHeader& header);
// Fails with kCacheCorrupt or kCacheTooNew. `path`: for the message.
Result<SegmentHeader> read_segment_header(LogFile& file, const std::string& path);

struct Block {
  Position first = 0;        // of the first record
  std::uint32_t count = 0;   // of records
  std::uint32_t behind = 0;  // records of the same commit that stand before it
  std::string_view payload;
};

void append_block(std::string& to, std::uint64_t salt, const Block& block);

// Reads blocks one after the other. Memory: the largest block and one piece of the file.
class BlockReader {
 public:
  // From `offset` on, where the record `next` is expected; not beyond `end`.
  BlockReader(LogFile& file, std::uint64_t salt, std::uint64_t offset, std::uint64_t end,
              Position next)
      : file_(file), salt_(salt), offset_(offset), end_(end), next_(next) {}

  // The next block; its payload stays until the next call. Nothing: there is no valid block that
  // holds next_position(). Fails with kIo.
  Result<std::optional<Block>> next();
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] Position next_position() const { return next_; }

  // The state of the bytes behind the last valid block.
  enum class Rest {
    kClean,    // nothing of this segment
    kTorn,     // pieces of the commit that begins with next_position(): it was never finished
    kDamaged,  // a later commit; it was begun when all before it was durable
  };
  Result<Rest> rest();

 private:
  Result<std::string_view> bytes(std::uint64_t offset, std::uint64_t size);
  Result<std::optional<Block>> block_at(std::uint64_t offset);

  LogFile& file_;
  const std::uint64_t salt_;
  std::uint64_t offset_;
  const std::uint64_t end_;
  Position next_;
  std::string piece_;
  std::uint64_t piece_at_ = 0;
};

}  // namespace kith::server
