// The rules of every client request: ids, counts, text and sizes, checked before anything acts on
// them.
#include <google/protobuf/stubs/logging.h>

#include <string>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/handle.h"
#include "src/handshake.h"
#include "src/request_view.h"
#include "src/utf8.h"
#include "src/uuid.h"

namespace kith {
namespace {

// A chain of rules, of which the first broken one is the error.
class Check {
 public:
  explicit Check(std::string_view what) : what_(what) {}

  Check& that(bool ok, ErrorCode code, std::string_view sentence) {
    if (ok || !status_) return *this;
    status_ = make_error(code, std::string(what_).append(": ").append(sentence));
    return *this;
  }
  Check& argument(bool ok, std::string_view sentence) {
    return that(ok, ErrorCode::kInvalidArgument, sentence);
  }
  Check& id(std::string_view bytes, std::string_view field) {
    return field_is(bytes.size() == UserId::kSize, field, " is not an id of 16 bytes");
  }
  Check& optional_id(std::string_view bytes, std::string_view field) {
    return bytes.empty() ? *this : id(bytes, field);
  }
  Check& conversation(std::string_view bytes, std::string_view field) {
    const auto found = conversation_id(bytes);
    return field_is(
        found && (found->is_direct() || found->is_group()), field,
        " names no conversation: of a 1:1 it is a UUID of version 8, of a group of version 4");
  }
  Check& group(std::string_view bytes, std::string_view field) {
    const auto found = conversation_id(bytes);
    return field_is(found && found->is_group(), field,
                    " names no group: it is no UUID of version 4");
  }
  // Any 16 bytes: the time in an id, of the sender's clock, decides nothing.
  Check& command_id(std::string_view bytes, std::string_view field) { return id(bytes, field); }
  template <class Ids>
  Check& ids(const Ids& list, std::size_t max, std::string_view field) {
    count(static_cast<std::size_t>(list.size()), max, field);
    if (status_) {
      for (const auto& bytes : list) id(bytes, field);
    }
    return *this;
  }
  Check& count(std::size_t n, std::size_t max, std::string_view field) {
    return n <= max ? *this
                    : that(false, ErrorCode::kLimitExceeded,
                           std::string(field) + " has " + std::to_string(n) + " entries, at most " +
                               std::to_string(max) + " are allowed");
  }
  Check& bytes(std::string_view value, std::size_t max, std::string_view field) {
    return value.size() <= max
               ? *this
               : that(false, ErrorCode::kTooLarge,
                      std::string(field) + " has " + std::to_string(value.size()) +
                          " bytes, at most " + std::to_string(max) + " are allowed");
  }
  Check& text(std::string_view value, std::size_t max, std::string_view field) {
    bytes(value, max, field);
    return field_is(is_utf8(value), field, " is not UTF-8");
  }
  // Names are shown in one line: they must not move a cursor or show other text than they hold.
  Check& line(std::string_view value, std::size_t max, std::string_view field) {
    text(value, max, field);
    return field_is(!status_ || is_plain_line(value), field,
                    " has control or invisible characters");
  }
  Check& handle(std::string_view value) {
    argument(!value.empty(), "the handle is empty");
    return line(value, limits::handle_bytes_max, "the handle");
  }
  Check& new_handle(std::string_view value) {
    if (!handle(value).ok()) return *this;
    const auto made = new_account_handle(value);
    return made ? *this : argument(false, made.error().message);
  }
  Check& token(const std::string& value) {
    that(!value.empty(), ErrorCode::kUnauthenticated, "the token is empty");
    return bytes(value, limits::token_bytes_max, "the token");
  }
  Check& also(const Status& other) {
    if (status_ && !other) status_ = other;
    return *this;
  }
  [[nodiscard]] bool ok() const { return status_.ok(); }
  [[nodiscard]] Status done() const { return status_; }

 private:
  // The sentence is made when it is needed: these run for every frame.
  Check& field_is(bool ok, std::string_view field, std::string_view fault) {
    return ok ? *this : argument(false, std::string(field).append(fault));
  }

  std::string_view what_;
  Status status_;
};

Status check(const v1::Hello& m) {
  // The fields of another major's Hello may have other meanings; negotiate() answers it with
  // kUpgradeRequired.
  if (m.major() != handshake::kMajor) return {};
  Check c("Hello");
  c.count(static_cast<std::size_t>(m.caps_size()), limits::caps_max, "caps");
  c.id(m.device_id(), "device_id")
      .bytes(m.agent(), limits::agent_bytes_max, "agent")
      .bytes(m.locale(), limits::locale_bytes_max, "locale");
  for (const std::string& cap : m.caps()) c.bytes(cap, limits::cap_bytes_max, "a capability");
  return c.token(m.auth_case() == v1::Hello::kResumeTicket ? m.resume_ticket() : m.access_token())
      .done();
}

Status check(const v1::Goodbye& m) {
  return Check("Goodbye").bytes(m.detail(), limits::detail_bytes_max, "detail").done();
}

Status check(const v1::Register& m) {
  return Check("Register")
      .new_handle(m.handle())
      .argument(m.password().size() >= limits::password_bytes_min, "the password is too short")
      .bytes(m.password(), limits::password_bytes_max, "the password")
      .line(m.display_name(), limits::display_name_bytes_max, "display_name")
      .id(m.device_id(), "device_id")
      .done();
}

Status check(const v1::SignIn& m) {
  return Check("SignIn")
      .handle(m.handle())
      .bytes(m.password(), limits::password_bytes_max, "the password")
      .id(m.device_id(), "device_id")
      .done();
}

Status check(const v1::ChangePassword& m) {
  return Check("ChangePassword")
      .bytes(m.old_password(), limits::password_bytes_max, "the old password")
      .argument(m.new_password().size() >= limits::password_bytes_min,
                "the new password is too short")
      .bytes(m.new_password(), limits::password_bytes_max, "the new password")
      .done();
}

Status check(const v1::DeleteAccount& m) {
  return Check("DeleteAccount")
      .bytes(m.password(), limits::password_bytes_max, "the password")
      .done();
}

Status check(const v1::RenewToken& m) {
  return Check("RenewToken").token(m.access_token()).done();
}

bool is_content(std::string_view bytes) {
  if (is_plain_content(bytes)) return true;
  const google::protobuf::LogSilencer quiet;
  v1::Content content;
  return content.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

Status check_message(const RequestView& request, const RequestView::Message& m) {
  Check c("Message");
  c.command_id(m.id, "message_id")
      .optional_id(m.reply_to_message_id, "reply_to_message_id")
      .argument(m.reply_to_seq == 0 || m.reply_to_message_id.empty(),
                "it answers by seq or by message id, not both")
      .ids(request.mentions_of(m), limits::mentions_max, "mentions")
      .argument(!m.content.empty(), "the content is empty")
      .bytes(m.content, limits::body_bytes_max, "the content");
  if (!c.ok()) return c.done();
  // Readable by every client: bytes that are no Content would only fail later, on other people's
  // devices.
  return c.argument(is_content(m.content), "the content cannot be read").done();
}

bool is_group(std::string_view bytes) {
  const auto id = conversation_id(bytes);
  return id && id->is_group();
}

Status check_send(const RequestView& m) {
  Check c("SendBatch");
  c.conversation(m.conversation, "conversation_id")
      .optional_id(m.direct_peer, "direct_peer")
      .argument(m.direct_peer.empty() || !is_group(m.conversation),
                "direct_peer is given, but conversation_id names a group")
      .argument(!m.messages.empty(), "the batch is empty")
      .count(m.messages.size(), limits::batch_items_max, "items");
  for (std::size_t i = 0; i < m.messages.size() && c.ok(); ++i) {
    c.also(check_message(m, m.messages[i]));
  }
  return c.done();
}

Status check_ack(const RequestView& m) {
  Check c("AckEvents");
  c.count(m.upto.size(), limits::heads_listed_max, "upto");
  if (!c.ok()) return c.done();
  for (const RequestView::Head& head : m.upto) c.conversation(head.conversation, "upto");
  return c.done();
}

Status check(const v1::MarkRead& m) {
  return Check("MarkRead").conversation(m.conversation_id(), "conversation_id").done();
}

Status check(const v1::SyncRequest& m) {
  Check c("SyncRequest");
  c.bytes(m.page_token(), limits::page_token_bytes_max, "page_token");
  c.count(static_cast<std::size_t>(m.large_heads_size()), limits::heads_listed_max, "large_heads");
  if (!c.ok()) return c.done();
  for (const v1::HeadRef& head : m.large_heads()) c.group(head.conversation_id(), "large_heads");
  return c.done();
}

Status check(const v1::GetEvents& m) {
  return Check("GetEvents")
      .conversation(m.conversation_id(), "conversation_id")
      .argument(m.to() == 0 || m.from() <= m.to(), "the range ends before it begins")
      .done();
}

Status check(const v1::GetReaders& m) {
  return Check("GetReaders")
      .conversation(m.conversation_id(), "conversation_id")
      .argument(m.seq() > 0, "seq is missing")
      .done();
}

Status check(const v1::SetTyping& m) {
  return Check("SetTyping")
      .conversation(m.conversation_id(), "conversation_id")
      .argument(m.activity() != v1::ACTIVITY_UNSPECIFIED, "activity is missing")
      .done();
}

Status check(const v1::PresenceSubscribe& m) {
  return Check("PresenceSubscribe")
      .ids(m.add(), limits::presence_subscriptions_max, "add")
      .ids(m.remove(), limits::presence_subscriptions_max, "remove")
      .done();
}

Status check(const v1::CreateConversation& m) {
  return Check("CreateConversation")
      .group(m.conversation_id(), "conversation_id")
      .command_id(m.command_id(), "command_id")
      .also(check_title(m.title()))
      .ids(m.members(), limits::members_change_max, "members")
      .done();
}

Status check(const v1::MemberChange& m) {
  Check c("MemberChange");
  c.group(m.conversation_id(), "conversation_id")
      .command_id(m.command_id(), "command_id")
      .argument(m.kind() != v1::MEMBER_CHANGE_KIND_UNSPECIFIED, "kind is missing")
      .that(v1::MemberChangeKind_IsValid(m.kind()), ErrorCode::kUnimplemented,
            "kind is from a newer release")
      .ids(m.users(), limits::members_change_max, "users");
  if (m.kind() == v1::MEMBER_CHANGE_KIND_LEAVE) {
    c.argument(m.users_size() == 0, "users must be empty: everybody leaves for themselves");
  } else {
    c.argument(m.users_size() > 0, "users is empty");
  }
  if (m.kind() == v1::MEMBER_CHANGE_KIND_SET_ROLE) {
    c.argument(m.role() != v1::MEMBER_ROLE_UNSPECIFIED && v1::MemberRole_IsValid(m.role()),
               "role is missing or unknown")
        .argument(m.role() != v1::MEMBER_ROLE_OWNER || m.users_size() == 1,
                  "a group is handed over to exactly one user");
  }
  return c.done();
}

Status check(const v1::UpdateMeta& m) {
  return Check("UpdateMeta")
      .group(m.conversation_id(), "conversation_id")
      .command_id(m.command_id(), "command_id")
      .also(check_title(m.title()))
      .done();
}

Status check(const v1::GetMembers& m) {
  return Check("GetMembers")
      .conversation(m.conversation_id(), "conversation_id")
      .bytes(m.page_token(), limits::page_token_bytes_max, "page_token")
      .done();
}

Status check(const v1::UpdateSettings& m) {
  return Check("UpdateSettings")
      .argument(m.has_settings(), "settings are missing")
      .argument(v1::Audience_IsValid(m.settings().online()), "the audience of online is unknown")
      .argument(v1::Audience_IsValid(m.settings().last_seen()),
                "the audience of last_seen is unknown")
      .argument(v1::Audience_IsValid(m.settings().group_adds()),
                "the audience of group_adds is unknown")
      .argument(v1::Audience_IsValid(m.settings().first_messages()),
                "the audience of first_messages is unknown")
      .done();
}

Status check(const v1::UpdateContacts& m) {
  const int ids = m.add_size() + m.remove_size() + m.block_size() + m.unblock_size();
  return Check("UpdateContacts")
      .count(static_cast<std::size_t>(ids), limits::contacts_change_max, "the request")
      .ids(m.add(), limits::contacts_change_max, "add")
      .ids(m.remove(), limits::contacts_change_max, "remove")
      .ids(m.block(), limits::contacts_change_max, "block")
      .ids(m.unblock(), limits::contacts_change_max, "unblock")
      .done();
}

Status check(const v1::UpdateProfile& m) {
  return check_display_name(m.display_name());
}

Status check(const v1::SearchMessages& m) {
  Check c("SearchMessages");
  c.text(m.query(), limits::search_query_bytes_max, "the query");
  if (!m.conversation_id().empty()) c.conversation(m.conversation_id(), "conversation_id");
  return c.done();
}

Status check(const v1::GetUsers& m) {
  Check c("GetUsers");
  c.count(static_cast<std::size_t>(m.user_ids_size()) + static_cast<std::size_t>(m.handles_size()),
          limits::users_page_max, "the request")
      .ids(m.user_ids(), limits::users_page_max, "user_ids");
  if (!c.done()) return c.done();
  for (const std::string& handle : m.handles()) c.handle(handle);
  return c.done();
}

Status check(const v1::RevokeDevice& m) {
  return Check("RevokeDevice").optional_id(m.device_id(), "device_id").done();
}

}  // namespace

Status check_message(const v1::OutMessage& message) {
  RequestView request;
  request.add(message);
  return check_message(request, request.messages.front());
}

Status validate(const RequestView& request) {
  return request.kind == RequestView::Kind::kSend ? check_send(request) : check_ack(request);
}

Status check_handle(std::string_view handle) {
  return Check("Handle").handle(handle).done();
}

Status check_title(std::string_view title) {
  return Check("Title").line(title, limits::title_bytes_max, "the title").done();
}

Status check_display_name(std::string_view name) {
  return Check("Profile").line(name, limits::display_name_bytes_max, "the display name").done();
}

Status validate(const v1::ClientFrame& frame) {
  using F = v1::ClientFrame;
  switch (frame.body_case()) {
    case F::kHello:
      return check(frame.hello());
    case F::kGoodbye:
      return check(frame.goodbye());
    case F::kRegister:
      return check(frame.register_());
    case F::kSignIn:
      return check(frame.sign_in());
    case F::kChangePassword:
      return check(frame.change_password());
    case F::kDeleteAccount:
      return check(frame.delete_account());
    case F::kRenewToken:
      return check(frame.renew_token());
    case F::kSend:
    case F::kAckEvents: {
      RequestView request;
      request.read(frame);
      return validate(request);
    }
    case F::kMarkRead:
      return check(frame.mark_read());
    case F::kSync:
      return check(frame.sync());
    case F::kGetEvents:
      return check(frame.get_events());
    case F::kGetReaders:
      return check(frame.get_readers());
    case F::kSetTyping:
      return check(frame.set_typing());
    case F::kPresenceSubscribe:
      return check(frame.presence_subscribe());
    case F::kCreateConversation:
      return check(frame.create_conversation());
    case F::kMemberChange:
      return check(frame.member_change());
    case F::kUpdateMeta:
      return check(frame.update_meta());
    case F::kGetMembers:
      return check(frame.get_members());
    case F::kUpdateSettings:
      return check(frame.update_settings());
    case F::kUpdateContacts:
      return check(frame.update_contacts());
    case F::kUpdateProfile:
      return check(frame.update_profile());
    case F::kSearch:
      return check(frame.search());
    case F::kGetUsers:
      return check(frame.get_users());
    case F::kRevokeDevice:
      return check(frame.revoke_device());
    case F::kPing:
    case F::kSetPresence:
    case F::kGetDevices:
      return {};
    case F::BODY_NOT_SET:
      break;
  }
  if (!has_unknown_body(frame)) {
    return make_error(ErrorCode::kProtocol, "the frame has no body");
  }
  return make_error(ErrorCode::kUnimplemented, "this server does not know the request");
}

}  // namespace kith
