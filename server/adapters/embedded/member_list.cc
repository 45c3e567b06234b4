// Members as bytes: written field by field, read by the generated code.
#include "server/adapters/embedded/member_list.h"

#include "kith/v1/cluster.pb.h"
#include "src/wire_writer.h"

namespace kith::server {

std::string bytes_of(const std::vector<Member>& members) {
  using V = v1::StoredMember;
  std::string bytes;
  WireWriter to(bytes);
  for (const Member& m : members) {
    const std::size_t begin = to.open(v1::MemberList::kMembersFieldNumber);
    to.bytes(V::kUserFieldNumber, m.user.view());
    to.number(V::kRoleFieldNumber, static_cast<std::uint64_t>(m.role));
    to.number(V::kJoinSeqFieldNumber, m.join_seq);
    to.number(V::kLeftSeqFieldNumber, m.left_seq);
    to.number(V::kDeliveredSeqFieldNumber, m.delivered_seq);
    to.number(V::kReadSeqFieldNumber, m.read_seq);
    to.number(V::kReadOrdinalFieldNumber, m.read_ordinal);
    to.number(V::kPublicReadSeqFieldNumber, m.public_read_seq);
    to.number(V::kSharingFieldNumber, m.sharing ? 1 : 0);
    to.number(V::kFeedVerFieldNumber, m.feed_ver);
    to.close(begin);
  }
  return bytes;
}

std::optional<std::vector<Member>> members_of(std::string_view bytes) {
  v1::MemberList list;
  if (!list.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  std::vector<Member> members;
  members.reserve(static_cast<std::size_t>(list.members_size()));
  for (const v1::StoredMember& from : list.members()) {
    const auto user = UserId::from_bytes(from.user());
    if (!user) return std::nullopt;
    Member m;
    m.user = UserId(*user);
    m.role = static_cast<MemberRole>(from.role());
    m.join_seq = from.join_seq();
    m.left_seq = from.left_seq();
    m.delivered_seq = from.delivered_seq();
    m.read_seq = from.read_seq();
    m.read_ordinal = from.read_ordinal();
    m.public_read_seq = from.public_read_seq();
    m.sharing = from.sharing() != 0;
    m.feed_ver = from.feed_ver();
    members.push_back(m);
  }
  return members;
}

}  // namespace kith::server
