// CacheStore in two SQLite files of one directory: cache.db can be fetched again, outbox.db cannot.
#pragma once

#include <memory>
#include <string>

#include "client/cache_store.h"
#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/time.h"

namespace kith::client {

// An empty directory name keeps everything in memory. Fails with kAlreadyOpen, kCacheTooNew,
// kDiskFull, kIo. A cache.db that cannot be read, or was found damaged while it was used the last
// time (kCacheCorrupt from the store), is renamed to cache.db.corrupt and started anew;
// outbox.db that cannot be read is kCacheCorrupt and left as it is, because nobody else has what is
// in it. A call that finds a file locked by another process waits up to `patience` for it, then
// fails with kAlreadyOpen.
Result<std::unique_ptr<CacheStore>> open_cache_store_sqlite(
    const std::string& directory, Millis patience = limits::cache_busy_limit);

// The device that lives in `directory`, made at the first call; also while a client holds the
// directory. Fails as above.
Result<DeviceId> cache_device_sqlite(const std::string& directory, Random& random);

}  // namespace kith::client
