// The server process of the replay.
#include "server_process.h"

#include <filesystem>
#include <stdexcept>

namespace replay {
namespace {

// The word of `line` that begins with `start`, without a full stop behind it.
std::string word_with(const std::string& line, const std::string& start) {
  const auto at = line.find(start);
  if (at == std::string::npos) return {};
  std::string word = line.substr(at, line.find_first_of(" \t,;)", at) - at);
  return word;
}

std::string path_of_certificate(const std::string& line) {
  const auto end = line.find(".pem");
  if (end == std::string::npos) return {};
  const auto begin = line.find('/');
  if (begin == std::string::npos || begin > end) return {};
  return line.substr(begin, end + 4 - begin);
}

}  // namespace

ServerProcess::ServerProcess(std::string program, std::string data_dir)
    : program_(std::move(program)), data_dir_(std::move(data_dir)) {}

ServerProcess::~ServerProcess() {
  kill_now();
}

void ServerProcess::start() {
  const std::string log = data_dir_ + "/../kithd.log";
  std::filesystem::create_directories(data_dir_);
  process_ = std::make_unique<Process>(
      std::vector<std::string>{program_, "--dev", "--data", data_dir_, "--port", port_,
                               "--registrations-per-h", "0"},
      log);
  std::string line;
  url_.clear();
  while ((url_.empty() || ca_file_.empty()) && process_->read_line(line)) {
    if (url_.empty()) url_ = word_with(line, "wss://");
    if (url_.empty() || line.find("wss://") == std::string::npos) {
      if (const auto path = path_of_certificate(line); !path.empty()) ca_file_ = path;
    }
  }
  if (url_.empty() || ca_file_.empty()) {
    process_.reset();
    throw std::runtime_error("the server " + program_ + " did not start; see " + log);
  }
  const auto colon = url_.rfind(':');
  port_ = url_.substr(colon + 1, url_.find('/', colon) - colon - 1);
  reader_ = std::thread([this] { drain(); });
}

void ServerProcess::drain() {
  std::string line;
  while (process_->read_line(line)) {
  }
}

void ServerProcess::kill_now() {
  if (!process_) return;
  process_->kill_now();
  if (reader_.joinable()) reader_.join();
  process_.reset();
}

void ServerProcess::stop() {
  if (!process_) return;
  process_->stop();
  if (reader_.joinable()) reader_.join();
  process_.reset();
}

}  // namespace replay
