// Prints messages.
#include "client/cli/message_lines.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kNamesLimit = 2s;
constexpr auto kStep = 20ms;

// In front of a message its title and its sender end where kith ends them: brackets and a colon of
// their own would let them go on as another person's message.
std::string quoted(std::string text, bool title) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (title && text[i] == '[') text[i] = '(';
    if (title && text[i] == ']') text[i] = ')';
    if (!title && text[i] == ':') text[i] = '.';
  }
  return text;
}

bool connected(const client::Client& client) {
  const auto state = client.connection();
  return state == client::ConnectionState::kOnline || state == client::ConnectionState::kSyncing;
}

}  // namespace

std::string clock_text(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

const char* tick(const client::Message& m) {
  if (!m.mine) return "";
  switch (m.status) {
    case DeliveryStatus::kFailed:
      return " !";
    case DeliveryStatus::kSending:
      return " …";
    case DeliveryStatus::kSent:
      return " ✓";
    case DeliveryStatus::kDelivered:
      return " ✓✓";
    case DeliveryStatus::kRead:
      return " ✓✓ read";
  }
  return "";
}

void print_message(const client::Message& m, const std::string& title, const Names& names,
                   const std::vector<TextRange>& marks) {
  std::vector<std::string> head;
  if (!title.empty()) head = {"[", quoted(title, true), "] "};
  head.push_back(clock_text(m.time) + "  ");
  if (m.kind == MessageKind::kText) {
    head.push_back(quoted(names.of(m.sender), false));
    head.push_back(": ");
    standard_output().line(head, m.text, tick(m), marks);
  } else {
    head.push_back("* ");
    standard_output().line(head, m.text);
  }
}

Names names_of(Session& session) {
  return {session.home, session.account.handle,
          [&client = *session.client](const UserId& user) { return client.profile(user); }};
}

void learn_names(Session& session, const Names& names, const std::vector<UserId>& users) {
  // Asking starts the request. The client writes names into texts too ("bob was added"), and knows
  // them by profile alone.
  const auto known = [&](const UserId& user) {
    return session.client->profile(user).has_value() && names.knows(user);
  };
  std::set<UserId> unknown;
  for (const UserId& user : users) {
    if (!user.empty() && !known(user)) unknown.insert(user);
  }
  const auto limit = system_clock().steady_ms() + Millis(kNamesLimit).count();
  while (!unknown.empty() && system_clock().steady_ms() < limit && connected(*session.client)) {
    session.pause(kStep);
    std::erase_if(unknown, known);
  }
}

void learn_senders(Session& session, const Names& names,
                   const std::vector<client::Message>& messages) {
  std::vector<UserId> users;
  users.reserve(messages.size());
  for (const auto& m : messages) users.push_back(m.sender);
  learn_names(session, names, users);
}

std::map<ConversationId, std::string> titles_of(client::Client& client, const Names& names) {
  std::map<ConversationId, std::string> out;
  for (const auto& c : client.conversations(kAllConversations)) out[c.id] = names.title(c);
  return out;
}

}  // namespace kith::cli
