// The directory of a journal whose disk fills up, or fails, when a test says so.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/adapters/embedded/log_folder.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {

class FaultyFolder : public LogFolder {
 public:
  // Outlives the folder; may be changed while a log is open.
  struct Faults {
    std::atomic<std::uint64_t> bytes_max = UINT64_MAX;  // of all files together
    std::atomic<int> failing_writes = 0;                // the next ones; half is written
    std::atomic<int> failing_syncs = 0;                 // the next ones
    std::atomic<int> failing_cuts = 0;
    std::atomic<int> failing_folder_syncs = 0;
    std::atomic<int> syncs = 0;  // of files, good and bad
  };

  explicit FaultyFolder(const std::string& path,
                        std::shared_ptr<Faults> faults = std::make_shared<Faults>())
      : inner_(opened(open_log_folder(path))), faults_(std::move(faults)) {}

  Faults& faults() { return *faults_; }

  Result<std::vector<std::string>> names() override { return inner_->names(); }
  Result<std::unique_ptr<LogFile>> open(const std::string& name) override {
    return wrapped(inner_->open(name));
  }
  Result<std::unique_ptr<LogFile>> create(const std::string& name) override {
    return wrapped(inner_->create(name));
  }
  Status rename(const std::string& from, const std::string& to) override {
    return inner_->rename(from, to);
  }
  Status remove(const std::string& name) override { return inner_->remove(name); }
  Status sync() override {
    if (taken(faults_->failing_folder_syncs)) return broken();
    return inner_->sync();
  }
  [[nodiscard]] std::string path_of(const std::string& name) const override {
    return inner_->path_of(name);
  }

  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t all = 0;
    const auto names = inner_->names();
    for (const std::string& name : *names) {
      std::error_code gone;
      const auto size = std::filesystem::file_size(inner_->path_of(name), gone);
      if (!gone) all += size;
    }
    return all;
  }

 private:
  static bool taken(std::atomic<int>& left) {
    if (left <= 0) return false;
    --left;
    return true;
  }
  static Error broken() { return make_error(ErrorCode::kIo, "the disk is broken"); }

  class File : public LogFile {
   public:
    File(std::unique_ptr<LogFile> inner, const FaultyFolder& folder)
        : inner_(std::move(inner)), folder_(folder), faults_(*folder.faults_) {}
    Status write(std::string_view bytes, std::uint64_t offset) override {
      if (taken(faults_.failing_writes)) {
        (void)inner_->write(bytes.substr(0, bytes.size() / 2), offset);
        return broken();
      }
      if (faults_.bytes_max == UINT64_MAX) return inner_->write(bytes, offset);
      const std::uint64_t size = inner_->size().value();
      const std::uint64_t room =
          size + faults_.bytes_max - std::min<std::uint64_t>(folder_.bytes(), faults_.bytes_max);
      if (offset + bytes.size() <= std::max(size, room)) return inner_->write(bytes, offset);
      if (offset < room) (void)inner_->write(bytes.substr(0, room - offset), offset);
      return make_error(ErrorCode::kDiskFull, "full");
    }
    Result<std::string> read(std::uint64_t offset, std::size_t size) override {
      return inner_->read(offset, size);
    }
    Result<std::uint64_t> size() override { return inner_->size(); }
    Status cut(std::uint64_t size) override {
      return taken(faults_.failing_cuts) ? Status(broken()) : inner_->cut(size);
    }
    Status sync() override {
      ++faults_.syncs;
      return taken(faults_.failing_syncs) ? Status(broken()) : inner_->sync();
    }

   private:
    const std::unique_ptr<LogFile> inner_;
    const FaultyFolder& folder_;
    Faults& faults_;
  };

  Result<std::unique_ptr<LogFile>> wrapped(Result<std::unique_ptr<LogFile>> file) {
    if (!file) return file;
    return std::unique_ptr<LogFile>(std::make_unique<File>(std::move(*file), *this));
  }

  const std::unique_ptr<LogFolder> inner_;
  const std::shared_ptr<Faults> faults_;
};

}  // namespace kith::server
