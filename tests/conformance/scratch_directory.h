// A directory of its own for a test, and what is opened in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "kith/core/result.h"

namespace kith::server {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no scratch directory";
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <class T>
std::unique_ptr<T> opened(Result<std::unique_ptr<T>> result) {
  if (!result) ADD_FAILURE() << result.error().to_string();
  return result ? std::move(*result) : nullptr;
}

}  // namespace kith::server
