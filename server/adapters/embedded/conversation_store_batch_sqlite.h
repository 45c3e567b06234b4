// Writes a batch into store.db.
#pragma once

#include <functional>

#include "kith/core/result.h"
#include "kith/server/ports/conversation_store.h"

namespace kith {
class Database;
}  // namespace kith

namespace kith::server {

// In one transaction; a batch that is stored already changes nothing. `pause` is called between rows, about
// as often as batch_rows() says.
Status write_batch(Database& db, const StoreBatch& batch, const std::function<void()>& pause);
std::size_t batch_rows(const StoreBatch& batch);

}  // namespace kith::server
