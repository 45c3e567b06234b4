// ChatCommands: the commands of the full screen: their names, what they take, and what they do.
#pragma once

#include <string>
#include <vector>

#include "client/cli/chat_model.h"
#include "client/cli/chat_questions.h"
#include "client/cli/chat_window.h"
#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

// The screen's thread only.
class ChatCommands {
 public:
  ChatCommands(client::Client& client, const Home& home, ChatModel& model, ChatWindow& window)
      : client_(client), home_(home), model_(model), window_(window), questions_(client, model) {}

  // A line that begins with '/'. True: it is done with.
  bool run(const std::string& text);
  // See Chat.
  std::string complete(const std::string& before, bool command);
  void help();
  [[nodiscard]] bool wants_to_quit() const { return quit_; }

 private:
  struct Command;
  static const std::vector<Command>& all();

  std::vector<std::string> handles(const std::string& rest);

  bool talk_to(const std::string& rest);
  bool message(const std::string& rest);
  bool create_group(const std::string& rest);
  bool reply(const std::string& rest);
  bool search(const std::string& rest);
  bool failed(bool again);
  bool info(const std::string& rest);
  bool members(const std::string& rest);
  bool change_members(const std::string& rest, bool add);
  bool leave(const std::string& rest);
  bool rename(const std::string& rest);
  bool people(const std::string& rest, bool block, bool put);
  bool privacy(const std::string& rest);
  bool name(const std::string& rest);
  bool devices(const std::string& rest);
  bool revoke(const std::string& rest);

  client::Client& client_;
  const Home& home_;
  ChatModel& model_;
  ChatWindow& window_;
  ChatQuestions questions_;
  ConversationId leaving_from_;  // the person was asked whether to leave it
  bool quit_ = false;
};

}  // namespace kith::cli
