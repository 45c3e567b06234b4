// Takes the records of an earlier release's journal.db over into the journal of files.
#pragma once

#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/core/result.h"
#include "server/adapters/embedded/command_log_file.h"

namespace kith::server {

// Opens the journal of the data directory `dir`. If there is a journal.db, its records and positions
// are taken over first, and it is removed when they are durable; a crash in between changes nothing
// but that it is done again. Fails as CommandLogFile::open(); the files stay as they are.
Result<std::unique_ptr<CommandLogFile>> open_journal(const std::string& dir, Executor& executor);

}  // namespace kith::server
