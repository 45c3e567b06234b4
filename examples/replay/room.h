// One room on stage: sends the lines of a chat log in their order, each after the one before it has
// its place.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "chat_file.h"
#include "ledger.h"
#include "options.h"
#include "stage.h"

namespace replay {

// One thread at a time.
class Room {
 public:
  Room(const ChatRoom& chat, const Options& options, Stage& stage, Ledger& ledger,
       std::uint32_t seed);

  void create();  // the group, with everybody in it
  void play();    // all lines; a failure goes to the ledger

  [[nodiscard]] const ChatRoom& chat() const { return chat_; }
  [[nodiscard]] const std::string& conversation() const { return conversation_; }
  // The rows that each device must hold, in order: ID SENDER REPLY_SEQ TEXT of every line.
  [[nodiscard]] Fields expected_rows() const;
  [[nodiscard]] std::size_t lines() const { return chat_.lines.size(); }

 private:
  struct Sent {
    std::string id;   // empty: it is not known whether the client recorded it
    std::string seq;  // empty: not placed yet
    bool given_up = false;
  };

  void pace(const Line& line);
  void post(std::size_t index, const Actor& actor);
  void settle();
  // After the client process died: opens the client again and finds the state of the messages under
  // way.
  void recover(const Actor& actor);
  bool learn(const Fields& own);
  [[nodiscard]] bool knows(const std::string& id) const;

  const ChatRoom& chat_;
  const Options& options_;
  Stage& stage_;
  Ledger& ledger_;
  std::mt19937 random_;
  std::string conversation_;
  std::vector<Sent> sent_;        // by line
  std::size_t settled_ = 0;       // lines before this one have their place
  std::unique_ptr<Lease> lease_;  // the author of the lines under way
  std::int64_t started_us_ = 0;
};

}  // namespace replay
