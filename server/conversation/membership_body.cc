// Serialized v1::MembershipBody and v1::MetaBody.
#include "server/conversation/membership_body.h"

#include "kith/v1/conversation.pb.h"

namespace kith::server {

std::string created_body(ConversationType type, const std::string& title,
                         const std::vector<UserId>& others) {
  v1::MembershipBody body;
  body.set_kind(v1::MEMBER_CHANGE_KIND_ADD);
  for (const UserId& user : others) body.add_users(user.bytes());
  body.set_created(true);
  body.set_type(static_cast<v1::ConversationType>(type));
  body.set_title(title);
  return body.SerializeAsString();
}

std::string membership_body(MemberChangeKind kind, const std::vector<UserId>& users,
                            MemberRole role) {
  v1::MembershipBody body;
  body.set_kind(static_cast<v1::MemberChangeKind>(kind));
  for (const UserId& user : users) body.add_users(user.bytes());
  if (kind == MemberChangeKind::kSetRole) body.set_role(static_cast<v1::MemberRole>(role));
  return body.SerializeAsString();
}

std::string meta_body(const std::string& title) {
  v1::MetaBody body;
  body.set_title(title);
  return body.SerializeAsString();
}

}  // namespace kith::server
