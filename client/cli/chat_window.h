// ChatWindow: the open conversation and the place on the screen: opens, moves, selects, sends.
#pragma once

#include <string>

#include "client/cli/chat_model.h"
#include "client/cli/painter.h"
#include "client/cli/typing_notice.h"
#include "client/cli/unread_marks.h"
#include "kith/client/client.h"

namespace kith::cli {

// The screen's thread only.
class ChatWindow {
 public:
  ChatWindow(client::Client& client, ChatModel& model)
      : client_(client), model_(model), typing_(client) {}

  // Takes what has happened over into picture() and view().
  void refresh();
  [[nodiscard]] const Picture& picture() const { return picture_; }
  [[nodiscard]] View& view() { return view_; }
  // The conversation that a text goes to. Empty: none yet.
  [[nodiscard]] const ConversationId& current() const { return current_; }
  [[nodiscard]] const client::Message* selected() const;
  // The open group; null, and a notice, if it is none.
  [[nodiscard]] const client::Conversation* group();

  void show(const ConversationId& id);
  // Shows it as soon as it exists; until then it is called `name`.
  void want(const ConversationId& id, const std::string& name);
  // A text goes to nobody until another conversation is opened.
  void close_current();
  // Opens the conversation of the hit that is selected.
  bool open_selected();

  bool send(const std::string& text);
  void composing(bool something);
  // Something stands in the composer: no conversation opens by itself now.
  void writing(bool something) { writing_ = something; }
  // Sets the notice; returns false.
  bool say(std::string notice);

  // See Chat for these.
  bool go_back();
  void go_to(std::size_t place);
  void next_unread();
  void move(int by);
  void select(int by);
  void scroll(int rows);
  void to_newest();

 private:
  void look();
  void choose_wanted();

  client::Client& client_;
  ChatModel& model_;
  View view_;
  Picture picture_;
  ConversationId current_;
  ConversationId wanted_;     // is opened as soon as it exists
  bool was_there_ = false;    // the conversation that is open has been in the list
  std::string current_name_;  // the title of what is open, or was until nothing was left of it
  bool writing_ = false;
  TypingNotice typing_;
  UnreadMarks unread_;
};

}  // namespace kith::cli
