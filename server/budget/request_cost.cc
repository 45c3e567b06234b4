// RequestCost: the table.
#include "server/budget/request_cost.h"

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kIdsPerUnit = 10;
constexpr std::size_t kRefusedBytesPerUnit = 2'048;

// Returns `base`, and a unit for every ten `ids`.
std::uint32_t with_ids(std::uint32_t base, int ids) {
  return base + static_cast<std::uint32_t>(ids) / kIdsPerUnit;
}

RequestCost command(std::uint32_t units) {
  return {Spend::kCommand, units, 0, true, 1};
}
RequestCost query(std::uint32_t units) {
  return {Spend::kQuery, units, 0, true, 0};
}
RequestCost unanswered(std::uint32_t units) {
  return {Spend::kCommand, units, 0, false, 0};
}

int ids_of(const v1::UpdateContacts& m) {
  return m.add_size() + m.remove_size() + m.block_size() + m.unblock_size();
}

}  // namespace

RequestCost cost_of(const v1::ClientFrame& frame) {
  using F = v1::ClientFrame;
  switch (frame.body_case()) {
    case F::kSend:
      return {Spend::kCommand, static_cast<std::uint32_t>(frame.send().items_size()), 0, true,
              static_cast<std::uint32_t>(frame.send().items_size())};
    case F::kCreateConversation:
      return command(with_ids(4, frame.create_conversation().members_size()));
    case F::kMemberChange:
      return command(with_ids(1, frame.member_change().users_size()));
    case F::kUpdateContacts: {
      RequestCost cost = command(with_ids(1, ids_of(frame.update_contacts())));
      cost.lookups = static_cast<std::uint32_t>(frame.update_contacts().add_size());
      return cost;
    }
    case F::kUpdateSettings:
    case F::kUpdateProfile:
    case F::kRevokeDevice:
    case F::kRenewToken:
      return command(5);
    case F::kChangePassword:
    case F::kDeleteAccount:
      return command(20);
    case F::kSetTyping:
    case F::kSetPresence:
      return unanswered(2);
    case F::kPresenceSubscribe: {
      RequestCost cost = unanswered(with_ids(
          1, frame.presence_subscribe().add_size() + frame.presence_subscribe().remove_size()));
      cost.lookups = static_cast<std::uint32_t>(frame.presence_subscribe().add_size());
      return cost;
    }
    case F::kPing:
    case F::kGetReaders:
    case F::kGetDevices:
    case F::kMarkRead:
      return query(1);
    case F::kSync:
    case F::kGetEvents:
      return query(2);
    case F::kGetMembers:
    case F::kSearch:
      return query(4);
    case F::kGetUsers: {
      RequestCost cost = query(1);
      cost.lookups = static_cast<std::uint32_t>(frame.get_users().user_ids_size() +
                                                frame.get_users().handles_size());
      return cost;
    }
    case F::kAckEvents:
      return {Spend::kAck, 1 + static_cast<std::uint32_t>(frame.ack_events().upto_size()), 0, false,
              0};
    default:
      return command(1);
  }
}

RequestCost cost_of(const RequestView& request) {
  if (request.kind == RequestView::Kind::kAck) {
    return {Spend::kAck, 1 + static_cast<std::uint32_t>(request.upto.size()), 0, false, 0};
  }
  const auto items = static_cast<std::uint32_t>(request.messages.size());
  return {Spend::kCommand, items, 0, true, items};
}

std::uint32_t cost_of_refusal(std::size_t frame_bytes) {
  return 1 + static_cast<std::uint32_t>(frame_bytes / kRefusedBytesPerUnit);
}

}  // namespace kith::server
