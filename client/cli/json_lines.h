// One JSON object a line, for scripts.
#pragma once

#include <string>

#include "kith/client/types.h"

namespace kith::cli {

// {"id","conversation","seq","sender","sender_id","text","reply_to","time","status","mine","kind"}.
// For Printer::json() alone, which escapes what steers a terminal.
std::string json_line(const client::Message& message, const std::string& sender_name,
                      const std::string& conversation_name);
// A message that was found, with "matches": where in "text", in bytes.
std::string json_line(const client::SearchHit& hit, const std::string& sender_name,
                      const std::string& conversation_name);
// {"id","type","title","unread","last_seq","last_time","members","role"}, and of a 1:1 "peer_id" and
// "handle".
std::string json_line(const client::Conversation& conversation, const std::string& peer_name);

// {"handle","id","name","state"}; the state is a role, or how far a message has come.
std::string person_json(const UserId& user, const std::string& handle, const std::string& name,
                        const std::string& state);
// {"id","agent","last_seen_ms","online","current"}
std::string device_json(const client::Device& device);

const char* status_name(DeliveryStatus status);
const char* role_name(MemberRole role);

}  // namespace kith::cli
