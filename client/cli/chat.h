// Chat: what a person does in the full screen: writes, opens, selects, commands. Knows no terminal.
#pragma once

#include <string>
#include <vector>

#include "client/cli/chat_model.h"
#include "client/cli/home.h"
#include "client/cli/painter.h"
#include "kith/client/client.h"

namespace kith::cli {

// The screen's thread only.
class Chat {
 public:
  Chat(client::Client& client, const Home& home, const std::string& handle,
       std::function<void()> changed);

  // Takes what has happened over into picture() and view().
  void refresh();
  [[nodiscard]] const Picture& picture() const { return picture_; }
  [[nodiscard]] View& view() { return view_; }
  [[nodiscard]] bool wants_to_quit() const { return quit_; }

  // The conversation that a text goes to, which is kept for it alone. Empty: none yet.
  [[nodiscard]] const ConversationId& current() const { return current_; }
  // Enter. `command`: a '/' was typed in front of it. True: it is done with, the composer is empty.
  bool submit(const std::string& text, bool command);
  void composing(bool something);
  // Something stands in the composer: no conversation opens by itself now.
  void writing(bool something) { writing_ = something; }
  // Tab. What goes on after `before`, the text up to the cursor; a notice lists several ways.
  std::string complete(const std::string& before, bool command);
  // Esc. False: there was nothing to leave.
  bool go_back();
  // The conversation at that place of the list, from 0 on.
  void go_to(std::size_t place);
  // The next one with something unread.
  void next_unread();
  // The conversation above or below; in the answer to a search, the hit.
  void move(int by);
  // The message above or below.
  void select(int by);
  void scroll(int rows);
  void to_newest();
  void help();

 private:
  struct Command;
  static const std::vector<Command>& commands();

  void show(const ConversationId& id);
  void look();
  void choose_wanted();
  // Closes the conversation: a text goes to nobody until another one is opened.
  void close_current();
  void mark_first_new();
  void mark_read();
  bool send(const std::string& text);
  bool open_selected();
  bool run(const std::string& text);
  bool say(std::string notice);
  [[nodiscard]] const client::Message* selected() const;
  [[nodiscard]] const client::Conversation* group();
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
  ChatModel model_;
  View view_;
  Picture picture_;
  ConversationId current_;
  ConversationId wanted_;     // is opened as soon as it exists
  bool was_there_ = false;    // the conversation that is open has been in the list
  std::string current_name_;  // the title of what is open, or was until nothing was left of it
  // Messages up to `unread_upto_` when it was opened, until they are marked.
  std::uint64_t unread_ = 0;
  Seq unread_upto_;
  bool writing_ = false;
  Seq read_up_to_;
  bool typing_ = false;
  std::int64_t typing_again_ = 0;  // steady_ms: not before then
  ConversationId leaving_from_;    // asked whether to leave it
  bool quit_ = false;
};

}  // namespace kith::cli
