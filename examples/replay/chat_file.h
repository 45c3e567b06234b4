// A chat log: rooms of lines in order, as examples/data/README.md describes the format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace replay {

struct Line {
  std::string nick;
  std::string text;
  std::size_t reply_to = kNoReply;  // index of the answered line in its room
  int minute = 0;                   // of the day

  static constexpr std::size_t kNoReply = static_cast<std::size_t>(-1);
};

struct ChatRoom {
  std::string name;
  std::vector<Line> lines;
  std::vector<std::string> nicks;  // in order of first appearance
};

// Reads the first `rooms` rooms, each with at most `messages` messages (0 = all); plain or gzip. On
// failure returns an empty vector and puts a sentence into `error`, with the line it is about.
std::vector<ChatRoom> read_chat(const std::string& path, std::size_t rooms, std::size_t messages,
                                std::string* error);

}  // namespace replay
