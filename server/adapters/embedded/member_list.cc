// Members as bytes: written field by field, read by the generated code.
#include "server/adapters/embedded/member_list.h"

#include "kith/v1/cluster.pb.h"
#include "src/wire_writer.h"

namespace kith::server {

namespace {

void write(const LeftView& view, WireWriter& to) {
  using V = v1::LeftView;
  to.bytes(V::kTitleFieldNumber, view.title);
  to.number(V::kMemberCountFieldNumber, view.member_count);
  to.number(V::kEntryVerFieldNumber, view.entry_ver);
  to.number(V::kLastTsMsFieldNumber, static_cast<std::uint64_t>(view.last_ts_ms));
  to.number(V::kRosterVerFieldNumber, view.roster_ver);
  to.number(V::kDeliveredAllSeqFieldNumber, view.delivered_all_seq);
  to.number(V::kReadAllSeqFieldNumber, view.read_all_seq);
  to.number(V::kReadAnySeqFieldNumber, view.read_any_seq);
  to.number(V::kLargeFieldNumber, view.large ? 1 : 0);
}

std::shared_ptr<const LeftView> view_of(const v1::LeftView& from) {
  auto view = std::make_shared<LeftView>();
  view->title = from.title();
  view->member_count = from.member_count();
  view->entry_ver = from.entry_ver();
  view->last_ts_ms = static_cast<std::int64_t>(from.last_ts_ms());
  view->roster_ver = from.roster_ver();
  view->delivered_all_seq = from.delivered_all_seq();
  view->read_all_seq = from.read_all_seq();
  view->read_any_seq = from.read_any_seq();
  view->large = from.large() != 0;
  return view;
}

}  // namespace

std::string bytes_of(const LeftView* view) {
  std::string bytes;
  WireWriter to(bytes);
  if (view != nullptr) write(*view, to);
  return bytes;
}

std::shared_ptr<const LeftView> left_view_of(std::string_view bytes) {
  v1::LeftView view;
  const bool read = view.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes.empty() || !read ? nullptr : view_of(view);
}

std::shared_ptr<const LeftView> view_without(Position version) {
  auto view = std::make_shared<LeftView>();
  view->entry_ver = version;
  return view;
}

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
    if (m.left != nullptr) {
      const std::size_t view = to.open(V::kLeftFieldNumber);
      write(*m.left, to);
      to.close(view);
    }
    to.number(V::kWithheldFieldNumber, m.withheld);
    to.number(V::kBlocksFieldNumber, m.blocks ? 1 : 0);
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
    m.withheld = from.withheld();
    m.blocks = from.blocks() != 0;
    if (from.has_left()) m.left = view_of(from.left());
    if (!m.active() && m.left == nullptr && from.feed_ver() != 0)
      m.left = view_without(from.feed_ver());
    members.push_back(std::move(m));
  }
  return members;
}

}  // namespace kith::server
