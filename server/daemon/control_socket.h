// ControlSocket: where a running kithd takes orders from `kithd backup` and the like: a socket in its data directory,
// for its owner and root alone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "kith/core/result.h"

namespace kith::server::daemon {

class ControlSocket {
 public:
  // Does what one line asks, on the socket's thread, one after the other; may take long. The sentence is for whoever
  // has asked.
  using Handler = std::function<Result<std::string>(std::string_view order)>;
  // Longest order.
  static constexpr std::size_t kOrderBytesMax = 8 * 1024;

  // `data_dir` exists, and no other server has it. kIo.
  static Result<std::unique_ptr<ControlSocket>> open(const std::string& data_dir, Handler handler);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  ControlSocket(int listening, int stop, std::string path, Handler handler);
  void run();
  void answer(int fd);

  const int listening_;
  const int stop_;  // an eventfd
  const std::string path_;
  const Handler handler_;
  std::thread thread_;
};

// Lets the kithd that has `data_dir` do `order`, and waits for its answer, however long it takes. kClosed: none runs
// there.
Result<std::string> ask_running(const std::string& data_dir, const std::string& order);

}  // namespace kith::server::daemon
