// One JSON object a line, for scripts.
#pragma once

#include <string>

#include "kith/client/types.h"

namespace kith::cli {

// {"id","conversation","seq","sender","sender_id","text","reply_to","time","status","mine","kind"}
std::string json_line(const client::Message& message, const std::string& sender_name,
                      const std::string& conversation_name);
// {"id","type","title","unread","last_seq","last_time","members","role"}
// A message that was found, with "matches": where in "text", in bytes.
std::string json_line(const client::SearchHit& hit, const std::string& sender_name,
                      const std::string& conversation_name);
std::string json_line(const client::Conversation& conversation);

const char* status_name(DeliveryStatus status);

}  // namespace kith::cli
