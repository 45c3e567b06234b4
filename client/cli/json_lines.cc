// One JSON object a line, for scripts.
#include "client/cli/json_lines.h"

#include <nlohmann/json.hpp>

namespace kith::cli {
namespace {

// Text that is no UTF-8 is shown with replacement characters instead of ending the program.
std::string dump(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

const char* kind_name(MessageKind kind) {
  switch (kind) {
    case MessageKind::kText:
      return "text";
    case MessageKind::kMembership:
      return "membership";
    case MessageKind::kMeta:
      return "meta";
    case MessageKind::kGap:
      return "gap";
    case MessageKind::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace

const char* role_name(MemberRole role) {
  switch (role) {
    case MemberRole::kOwner:
      return "owner";
    case MemberRole::kAdmin:
      return "admin";
    case MemberRole::kMember:
      return "member";
    case MemberRole::kNone:
      break;
  }
  return "none";
}

const char* status_name(DeliveryStatus status) {
  switch (status) {
    case DeliveryStatus::kFailed:
      return "failed";
    case DeliveryStatus::kSending:
      return "sending";
    case DeliveryStatus::kSent:
      return "sent";
    case DeliveryStatus::kDelivered:
      return "delivered";
    case DeliveryStatus::kRead:
      return "read";
  }
  return "unknown";
}

namespace {

nlohmann::ordered_json json_of(const client::Message& m, const std::string& sender_name,
                               const std::string& conversation_name) {
  nlohmann::ordered_json out = {{"id", m.id.to_string()},
                                {"conversation", m.conversation.to_string()},
                                {"conversation_name", conversation_name},
                                {"seq", m.seq.value},
                                {"sender", sender_name},
                                {"sender_id", m.sender.to_string()},
                                {"kind", kind_name(m.kind)},
                                {"text", m.text},
                                {"time_ms", m.time.ms},
                                {"mine", m.mine},
                                {"status", status_name(m.status)}};
  if (m.failure) out["failure"] = to_string(*m.failure);
  if (m.reply_to) out["reply_to"] = m.reply_to.value;
  if (!m.reply_to_id.empty()) out["reply_to_id"] = m.reply_to_id.to_string();
  return out;
}

}  // namespace

std::string json_line(const client::Message& message, const std::string& sender_name,
                      const std::string& conversation_name) {
  return dump(json_of(message, sender_name, conversation_name));
}

std::string json_line(const client::SearchHit& hit, const std::string& sender_name,
                      const std::string& conversation_name) {
  nlohmann::ordered_json out = json_of(hit.message, sender_name, conversation_name);
  out["matches"] = nlohmann::ordered_json::array();
  for (const TextRange& range : hit.matches)
    out["matches"].push_back({{"begin", range.begin}, {"size", range.size}});
  return dump(out);
}

std::string json_line(const client::Conversation& c, const std::string& peer_name) {
  nlohmann::ordered_json out = {{"id", c.id.to_string()},
                                {"type", c.type == ConversationType::kGroup ? "group" : "direct"},
                                {"title", c.title},
                                {"unread", c.unread},
                                {"last_seq", c.last_seq.value},
                                {"last_time_ms", c.last_time.ms},
                                {"members", c.member_count},
                                {"role", role_name(c.role)}};
  if (c.type == ConversationType::kDirect) {
    out["peer_id"] = c.peer.to_string();
    out["handle"] = peer_name;
  }
  if (!c.last.id.empty()) out["last_text"] = c.last.text;
  return dump(out);
}

std::string person_json(const UserId& user, const std::string& handle, const std::string& name,
                        const std::string& state) {
  return dump({{"handle", handle}, {"id", user.to_string()}, {"name", name}, {"state", state}});
}

std::string device_json(const client::Device& device) {
  return dump({{"id", device.id.to_string()},
               {"agent", device.agent},
               {"last_seen_ms", device.last_seen.ms},
               {"online", device.online},
               {"current", device.current}});
}

}  // namespace kith::cli
