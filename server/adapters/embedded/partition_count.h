// How many partitions of conversations a data directory has (the file partition_count), and where each
// of them lies.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/result.h"

namespace kith::server {

// 1 where nobody has written it: a directory of an earlier release, or a new one. kCacheCorrupt, kIo.
Result<std::uint32_t> partitions_of(const std::string& dir);
// Makes the number of a new directory durable, before anything is in it. kInvalidArgument: it has
// another one already; kCacheCorrupt, kDiskFull, kIo.
Status keep_partitions(const std::string& dir, std::uint32_t partitions);
// The same number for a copy that is made in `dir`.
Status write_partitions(const std::string& dir, std::uint32_t partitions);
// Where the journal and store.db of a partition are: the first lies in `dir` itself.
std::string partition_path(const std::string& dir, std::uint32_t partition);
// The directory of that name, durably and for its owner alone. kDiskFull, kIo.
Status make_partition_path(const std::string& dir, std::uint32_t partition);

}  // namespace kith::server
