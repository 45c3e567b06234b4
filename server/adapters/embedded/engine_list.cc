// The engines of its own that a data directory is used with (the file engines).
#include "server/adapters/embedded/engine_list.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "server/adapters/embedded/durable_file.h"

namespace kith::server {
namespace {

constexpr const char* kFile = "engines";

std::string or_none(const std::string& engines) {
  return engines.empty() ? "none" : engines;
}

}  // namespace

std::string engines_of(const ServerPorts& given) {
  std::string engines;
  const auto add = [&engines](bool is_given, const char* name) {
    if (is_given) engines += (engines.empty() ? "" : " ") + std::string(name);
  };
  add(given.store != nullptr, "store");
  add(given.log != nullptr, "log");
  add(given.feed != nullptr, "feed");
  add(given.directory != nullptr, "directory");
  return engines;
}

Status check_engines(const std::string& dir, const std::string& engines) {
  const std::string path = dir + "/" + kFile;
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error) return make_error(ErrorCode::kIo, path + ": " + error.message());
  if (!there) return {};
  std::ifstream file(path);
  std::string kept;
  if (!std::getline(file, kept)) return make_error(ErrorCode::kIo, path + ": cannot be read");
  if (kept == engines) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    dir + " is used with engines of its own for: " + kept +
                        "; given are: " + or_none(engines) + ". Remove " + path +
                        " when what they keep has been moved");
}

Status keep_engines(const std::string& dir, const std::string& engines) {
  return engines.empty() ? Status() : write_durable_file(dir, kFile, engines + "\n");
}

}  // namespace kith::server
