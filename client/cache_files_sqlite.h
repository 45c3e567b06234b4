// The two files of a cache, cache.db and outbox.db: their tables, and how they are opened.
#pragma once

#include <string>

#include "kith/core/time.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::client {

// `patience`: a call waits no longer for another process that has the file locked.
Database::Options cache_options(const std::string& path, Millis patience);
Database::Options outbox_options(const std::string& path, Millis patience);

}  // namespace kith::client
