// FrameOutput is the output of one connection: the server's frames, written to the socket as it
// takes them, until all are out. Pure; SocketPipe is the socket's side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith::server {

// The kernel's side of one connection.
class SocketPipe {
 public:
  virtual ~SocketPipe() = default;
  // Returns how many of the bytes the kernel takes now, from the first on: all, some or none.
  // Negative if the connection is dead.
  virtual std::ptrdiff_t write(std::string_view bytes) = 0;
  // FrameOutput::flush() is called again when the kernel takes more.
  virtual void ask_writable() = 0;
};

// Bytes that one message of `size` bytes occupies on the wire (a server's frames carry no mask).
std::size_t frame_bytes(std::size_t size);

class FrameOutput {
 public:
  struct Flushed {
    bool alive = true;
    std::size_t taken = 0;  // by the kernel, since the last flush
    bool drained = false;   // all is out, after more was waiting than one turn takes
  };

  // `first`: FIN and opcode.
  void add(unsigned char first, std::string_view payload);
  // Adds bytes in front of the first frame: the answer to the upgrade.
  void add_raw(std::string_view bytes);
  void clear();
  // Bytes added and not yet taken by the kernel.
  [[nodiscard]] std::size_t waiting() const { return out_.size() - at_; }
  [[nodiscard]] bool empty() const { return waiting() == 0; }
  // Writes the bytes that the kernel takes. If some are left, asks the pipe to call again: no byte
  // waits for another add().
  Flushed flush(SocketPipe& pipe);

 private:
  void note_behind();

  std::string out_;  // not yet taken, from at_ on
  std::size_t at_ = 0;
  bool behind_ = false;  // the sender may hold output back until on_drained()
};

}  // namespace kith::server
