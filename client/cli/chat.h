// Chat: what a person does in the full screen: writes, opens, selects, commands. Knows no terminal.
#pragma once

#include <functional>
#include <string>

#include "client/cli/chat_commands.h"
#include "client/cli/chat_model.h"
#include "client/cli/chat_window.h"
#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

// The screen's thread only.
class Chat {
 public:
  Chat(client::Client& client, const Home& home, const std::string& handle,
       std::function<void()> changed);

  // Takes what has happened over into picture() and view().
  void refresh() { window_.refresh(); }
  [[nodiscard]] const Picture& picture() const { return window_.picture(); }
  [[nodiscard]] View& view() { return window_.view(); }
  [[nodiscard]] bool wants_to_quit() const { return commands_.wants_to_quit(); }

  // The conversation that a text goes to, which is kept for it alone. Empty: none yet.
  [[nodiscard]] const ConversationId& current() const { return window_.current(); }
  // Enter. `command`: a '/' was typed in front of it. True: it is done with, the composer is empty.
  bool submit(const std::string& text, bool command);
  void composing(bool something) { window_.composing(something); }
  // Something stands in the composer: no conversation opens by itself now.
  void writing(bool something) { window_.writing(something); }
  // Tab. Returns what goes on after `before`, the text up to the cursor; a notice lists several ways.
  std::string complete(const std::string& before, bool command) {
    return commands_.complete(before, command);
  }
  // Esc. False: there was nothing to leave.
  bool go_back() { return window_.go_back(); }
  // The conversation at that place of the list, from 0 on.
  void go_to(std::size_t place) { window_.go_to(place); }
  // The next one with something unread.
  void next_unread() { window_.next_unread(); }
  // The conversation above or below; in the answer to a search, the hit.
  void move(int by) { window_.move(by); }
  // The message above or below.
  void select(int by) { window_.select(by); }
  void scroll(int rows) { window_.scroll(rows); }
  void to_newest() { window_.to_newest(); }
  void help() { commands_.help(); }

 private:
  ChatModel model_;
  ChatWindow window_;
  ChatCommands commands_;
};

}  // namespace kith::cli
