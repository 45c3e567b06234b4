// Messages as lines: for people and, with --json, for programs.
#pragma once

#include <string>

#include "client/cli/names.h"
#include "client/cli/printer.h"
#include "client/cli/session.h"

namespace kith::cli {

// "2026-11-30 09:25", in local time.
std::string clock_text(Timestamp time);
// " ✓✓ read", of own messages.
const char* tick(const client::Message& message);

// Prints "[#team] 2026-11-30 09:25  bob: text ✓"; without a title no brackets.
void print_message(const client::Message& message, const std::string& title, const Names& names,
                   const std::vector<TextRange>& marks = {});

// The SDK's own words about a change of members or of the title.
inline bool names_people(const client::Message& message) {
  return message.kind != MessageKind::kText;
}

Names names_of(Session& session);
// Waits a moment for the names of people that this device has not met yet. Lines of the SDK
// about a change of members, and titles, are from before: they are read again.
void learn_names(Session& session, const Names& names, const std::vector<UserId>& users);
void learn_senders(Session& session, const Names& names,
                   const std::vector<client::Message>& messages);
std::map<ConversationId, std::string> titles_of(client::Client& client, const Names& names);

}  // namespace kith::cli
