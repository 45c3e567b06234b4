// Reads chat logs, plain or compressed.
#include "chat_file.h"

#include <zlib.h>

#include <cctype>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "kith/core/ids.h"

namespace replay {
namespace {

constexpr std::size_t kLineBytesMax = 1024 * 1024;  // a chat line that is longer is no chat line

// Lines of a file that may be compressed.
class LineReader {
 public:
  explicit LineReader(const std::string& path) : file_(gzopen(path.c_str(), "rb")) {}
  ~LineReader() {
    if (file_) gzclose(file_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  [[nodiscard]] bool ok() const { return file_ != nullptr; }
  // False at the end; then `error` says whether the file was damaged.
  bool next(std::string& line, std::string* error) {
    line.clear();
    char buffer[16 * 1024];
    while (line.size() < kLineBytesMax && gzgets(file_, buffer, sizeof buffer)) {
      line += buffer;
      if (line.back() == '\n') {
        line.pop_back();
        return true;
      }
    }
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (code != Z_OK && code != Z_STREAM_END) *error = std::string("damaged: ") + text;
    if (line.size() >= kLineBytesMax) *error = "a line is longer than 1 MiB";
    return error->empty() && !line.empty();
  }

 private:
  gzFile file_;
};

struct RoomIndex {
  std::size_t room = 0;
  std::map<std::int64_t, std::size_t> lines;  // line number in the log -> index
  std::set<std::string> nicks;
};

int minute_of(const std::string& time) {
  int hour = 0;
  int minute = 0;
  if (std::sscanf(time.c_str(), "%d:%d", &hour, &minute) != 2) return 0;
  return hour * 60 + minute;
}

// A server's own accounts have handles in small letters, and of letters, digits and few signs: other
// characters of a nick, and the difference between "Dame" and "dame", go into its hash.
std::string handle_of(const std::string& nick) {
  std::string plain;
  for (const char c : nick) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 0x80)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return (plain.empty() ? "nick" : plain) + "-" + kith::UserId::of(nick).to_string().substr(0, 6);
}

void add(ChatRoom& room, RoomIndex& index, const nlohmann::json& object) {
  Line line;
  line.nick = handle_of(object.at("nick").get<std::string>());
  line.text = object.at("text").get<std::string>();
  line.minute = minute_of(object.value("time", ""));
  if (line.text.empty()) return;  // there is nothing to send
  if (const auto reply = object.find("reply_to"); reply != object.end() && reply->is_number()) {
    // An answer to a line that is no message (or comes later) is sent as a plain message.
    const auto answered = index.lines.find(reply->get<std::int64_t>());
    if (answered != index.lines.end()) line.reply_to = answered->second;
  }
  if (index.nicks.insert(line.nick).second) room.nicks.push_back(line.nick);
  index.lines[object.at("line").get<std::int64_t>()] = room.lines.size();
  room.lines.push_back(std::move(line));
}

}  // namespace

std::vector<ChatRoom> read_chat(const std::string& path, std::size_t rooms, std::size_t messages,
                                std::string* error) {
  LineReader reader(path);
  if (!reader.ok()) {
    *error = "cannot read " + path;
    return {};
  }
  std::vector<ChatRoom> out;
  std::map<std::string, RoomIndex> known;
  std::string text;
  std::size_t number = 0;
  while (reader.next(text, error)) {
    ++number;
    if (text.empty()) continue;
    try {
      const auto object = nlohmann::json::parse(text);
      if (!object.contains("text")) continue;
      const std::string name = object.at("room").get<std::string>();
      auto found = known.find(name);
      if (found == known.end()) {
        if (out.size() >= rooms) break;  // the file is ordered by room
        found = known.emplace(name, RoomIndex{out.size(), {}, {}}).first;
        out.push_back(ChatRoom{name, {}, {}});
      }
      ChatRoom& room = out[found->second.room];
      if (messages && room.lines.size() >= messages) continue;
      add(room, found->second, object);
    } catch (const nlohmann::json::exception& failure) {
      *error = path + ", line " + std::to_string(number) + ": " + failure.what();
      return {};
    }
  }
  if (!error->empty()) {
    *error = path + " is " + *error;
    return {};
  }
  if (out.empty()) *error = path + " holds no messages";
  return out;
}

}  // namespace replay
