// ChatQuestions: asks the server, and shows the answer as a page or as news.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/chat_model.h"
#include "kith/client/client.h"

namespace kith::cli {

// The screen's thread only; answers come on the client's, as long as the model is there.
class ChatQuestions {
 public:
  ChatQuestions(client::Client& client, ChatModel& model) : client_(client), model_(&model) {}

  void show_members(const ConversationId& id, const std::string& title);
  void show_readers(const ConversationId& id, Seq seq);
  void show_devices();
  void show_people(const std::string& title, const std::vector<UserId>& users);
  // The callback for a change: `done` is the news when it has worked.
  [[nodiscard]] client::Done<void> report(std::string done) const;
  // For a change that concerns people: everybody of `handles` exists, or the news says who does not.
  void with_people(const std::vector<std::string>& handles,
                   std::function<void(std::vector<UserId>)> then);

 private:
  client::Client& client_;
  ChatModel* const model_;
};

}  // namespace kith::cli
