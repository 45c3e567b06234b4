// A VFS of SQLite whose syncs let others at the disk in between.
#pragma once

namespace kith::server {

// The name of a VFS that does everything as the default one, except that a large file is written back
// piece by piece before it is synced: a sync of ten megabytes in one go makes every other sync of the
// machine wait for as long, the log's commits among them. The promise of a sync is unchanged. It keeps a
// descriptor of its own, and closing that gives up all locks that the process has on the file: only for
// the connection that writes, which is closed after all others. Registered with SQLite at the first call.
// Threads: any. Where the system cannot write back a piece of a file (other than Linux) it is the default
// VFS: nullptr.
const char* gentle_vfs();

}  // namespace kith::server
