// A segment of the journal as bytes: a header, then blocks of records, one commit behind the other.
#include "server/adapters/embedded/log_segment.h"

#include <zlib.h>

#include <algorithm>

namespace kith::server {

namespace {

// Numbers are little-endian.
//   header: magic 8, version 4, state 4, sequence 8, first 8, salt 8, crc of these 4, zeros
//   block:  salt 8, first 8, count 4, behind 4, size of the payload 4, crc of these and of the
//           payload 4, payload
constexpr std::string_view kMagic("kithlog\n");
// 2: the ids of conversations tell their type.
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kFree = 0;
constexpr std::uint32_t kUsed = 1;
constexpr std::size_t kHeaderCrcAt = 40;  // in every version
constexpr std::size_t kBlockCrcAt = 28;
// Read at once where blocks are small.
constexpr std::uint64_t kPieceBytes = 256 * 1024;

void put(std::string& to, std::uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

std::uint64_t get(std::string_view from, std::size_t at, unsigned bytes) {
  std::uint64_t number = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(from[at + i])} << (8 * i);
  }
  return number;
}

std::uint32_t crc(std::string_view bytes, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(
      crc32_z(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kMagic);
  put(bytes, kVersion, 4);
  put(bytes, header.free ? kFree : kUsed, 4);
  put(bytes, header.sequence, 8);
  put(bytes, header.first, 8);
  put(bytes, header.salt, 8);
  put(bytes, crc(bytes), 4);
  bytes.resize(kSegmentHeaderBytes, '\0');
  return bytes;
}

Result<SegmentHeader> read_segment_header(LogFile& file, const std::string& path) {
  const auto bytes = file.read(0, kSegmentHeaderBytes);
  if (!bytes) return bytes.error();
  if (bytes->size() < kSegmentHeaderBytes || !bytes->starts_with(kMagic) ||
      get(*bytes, kHeaderCrcAt, 4) != crc(std::string_view(*bytes).substr(0, kHeaderCrcAt))) {
    return make_error(ErrorCode::kCacheCorrupt, path + ": the header is damaged");
  }
  const std::uint64_t version = get(*bytes, 8, 4);
  if (version < kVersion) {
    return make_error(ErrorCode::kCacheTooOld,
                      path + ": written by an earlier release (version " + std::to_string(version) +
                          "), whose conversation ids do not tell their type; this release does not "
                          "take it over: begin with an empty directory");
  }
  if (version > kVersion) {
    return make_error(ErrorCode::kCacheTooNew,
                      path + ": written by a later release (version " + std::to_string(version) +
                          ", this release knows " + std::to_string(kVersion) + ")");
  }
  return SegmentHeader{get(*bytes, 12, 4) == kFree, get(*bytes, 16, 8), get(*bytes, 24, 8),
                       get(*bytes, 32, 8)};
}

void append_block(std::string& to, std::uint64_t salt, const Block& block) {
  const std::size_t at = to.size();
  put(to, salt, 8);
  put(to, block.first, 8);
  put(to, block.count, 4);
  put(to, block.behind, 4);
  put(to, block.payload.size(), 4);
  put(to, crc(block.payload, crc(std::string_view(to).substr(at))), 4);
  to.append(block.payload);
}

// Fewer where the file, or what may be read of it, ends.
Result<std::string_view> BlockReader::bytes(std::uint64_t offset, std::uint64_t size) {
  if (offset >= end_) return std::string_view();
  size = std::min(size, end_ - offset);
  if (offset < piece_at_ || offset + size > piece_at_ + piece_.size()) {
    auto piece = file_.read(offset, std::min(std::max(size, kPieceBytes), end_ - offset));
    if (!piece) return piece.error();
    piece_ = std::move(*piece);
    piece_at_ = offset;
  }
  return std::string_view(piece_).substr(offset - piece_at_, size);
}

Result<std::optional<Block>> BlockReader::block_at(std::uint64_t offset) {
  const auto header = bytes(offset, kBlockHeaderBytes);
  if (!header) return header.error();
  if (header->size() < kBlockHeaderBytes || get(*header, 0, 8) != salt_) {
    return std::optional<Block>();
  }
  const std::uint64_t size = get(*header, 24, 4);
  const auto all = bytes(offset, kBlockHeaderBytes + size);
  if (!all) return all.error();
  if (all->size() < kBlockHeaderBytes + size) return std::optional<Block>();
  const std::string_view payload = all->substr(kBlockHeaderBytes);
  if (get(*all, kBlockCrcAt, 4) != crc(payload, crc(all->substr(0, kBlockCrcAt)))) {
    return std::optional<Block>();
  }
  return std::optional<Block>(Block{get(*all, 8, 8), static_cast<std::uint32_t>(get(*all, 16, 4)),
                                    static_cast<std::uint32_t>(get(*all, 20, 4)), payload});
}

Result<std::optional<Block>> BlockReader::next() {
  auto block = block_at(offset_);
  if (!block) return block;
  if (*block && ((*block)->first != next_ || (*block)->count == 0)) return std::optional<Block>();
  if (*block) {
    next_ += (*block)->count;
    offset_ += kBlockHeaderBytes + (*block)->payload.size();
  }
  return block;
}

// The place of a block does not distinguish it from noise, because the length of the broken one is
// unknown; but every block begins with the salt.
Result<BlockReader::Rest> BlockReader::rest() {
  std::string salt;
  put(salt, salt_, 8);
  Rest found = Rest::kClean;
  std::uint64_t at = offset_;
  while (at < end_) {
    const auto piece = bytes(at, kPieceBytes);
    if (!piece) return piece.error();
    if (piece->size() < salt.size()) break;
    const std::size_t hit = piece->find(salt);
    if (hit == std::string_view::npos) {
      at += piece->size() - (salt.size() - 1);
      continue;
    }
    at += hit;
    found = Rest::kTorn;
    const auto block = block_at(at);
    if (!block) return block.error();
    if (*block && (*block)->first - (*block)->behind > next_) return Rest::kDamaged;
    ++at;
  }
  return found;
}

}  // namespace kith::server
