// Material of the micro-benchmarks: ids, messages, and a temporary directory.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "kith/core/executor.h"
#include "kith/core/ids.h"
#include "kith/server/ports/records.h"

namespace kith::bench {

inline MessageId message_id_of(std::uint64_t n) {
  std::array<std::uint8_t, MessageId::kSize> bytes{0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80};
  std::memcpy(bytes.data() + 8, &n, sizeof n);
  bytes[8] = 0x80;  // the variant of a UUID
  return MessageId(bytes);
}

inline ConversationId conversation_of(std::uint64_t n) {
  return ConversationId::direct(UserId::of("a" + std::to_string(n)),
                                UserId::of("b" + std::to_string(n)));
}

inline server::LogEntry message_entry(server::Position position, const UserId& sender) {
  server::LogEntry entry;
  entry.position = position;
  entry.record.sender = sender;
  entry.record.command_id = message_id_of(position);
  entry.record.gateway_ts_ms = 1'700'000'000'000;
  entry.record.rules_version = 2;
  server::SendOp op;
  op.body.assign(100, 'x');
  entry.record.op = std::move(op);
  return entry;
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kith_micro_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kith::bench
