// Enter in the full screen: a text, a command, or a hit.
#include "client/cli/chat.h"

#include <utility>

namespace kith::cli {

Chat::Chat(client::Client& client, const Home& home, const std::string& handle,
           std::function<void()> changed)
    : model_(client, home, handle, std::move(changed)),
      window_(client, model_),
      commands_(client, home, model_, window_) {}

bool Chat::submit(const std::string& text, bool command) {
  if (text.empty()) {
    if (picture().found && !picture().page) return window_.open_selected();
    if (view().selected) return window_.say("Write the answer, then press Enter; Esc lets go.");
    return true;
  }
  if (command && text.substr(0, 2) != "//") return commands_.run(text);
  return window_.send(command ? text.substr(1) : text);
}

}  // namespace kith::cli
