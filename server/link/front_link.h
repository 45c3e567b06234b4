// FrontLink: a front of the server on another loop, or in another process, as a partition of conversations sees it. It
// brings the calls of the front (OwnerLink) to the partition, and what the partition asks, marks and pushes to the
// front: through a lane, and answers come back through another.
//
// The front may go, or the way to it. Questions are then rejected, and pushes are lost, of which the front notifies its
// sessions. Marks are not lost: those that no answered flush() covers are kept, and given to the next connection. So a
// partition whose front is away writes nothing to its store, and rejects commands when it is too far behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/delivery/push.h"
#include "server/link/front_sessions.h"
#include "server/link/front_wire.h"
#include "server/link/lane.h"
#include "server/link/mark_sender.h"
#include "server/link/open_calls.h"
#include "server/records/roster.h"
#include "server/requests/relations.h"
#include "src/request_view.h"

namespace kith::server {

class OwnerLink;

// On the loop of the partition.
class FrontLink {
 public:
  // The front `number` of those that `sessions` knows. `further`: there may be further connections, for which marks are
  // kept. Without it the first one must last.
  FrontLink(std::uint32_t number, FrontSessions& sessions, bool further)
      : number_(number), sessions_(sessions), further_(further), marks_(wire_, further) {}
  FrontLink(const FrontLink&) = delete;
  FrontLink& operator=(const FrontLink&) = delete;
  ~FrontLink();

  // The way of marks to this front.
  MarkSender& marks() { return marks_; }
  // The partition that answers; it outlives the calls of the front.
  void serve(PartitionOwner& owner) { owner_ = &owner; }
  // The front is connected, under this number of its own (OwnerLink::connect()). `link` is used on its loop
  // only, by calls that `lane` brings there; both outlive the connection. Before the first call of the front. An
  // earlier connection ends.
  void connected(OwnerLink& link, std::uint64_t connection, Lane& lane);
  // The front cannot be reached any more: closes its sessions, and rejects the questions that it has not answered.
  void disconnected();
  [[nodiscard]] bool is_connected() const { return wire_.open(); }

  // As those of Relations and Fanout, and PartitionHost::stored(): for this front.
  void stored(const std::shared_ptr<const StoreBatch>& batch);
  void consents(const Caller& caller, const std::vector<UserId>& ids,
                Done<std::vector<Consent>> done);
  void charge(const Caller& caller, std::uint32_t people);
  void charge_loads(const Caller& caller, std::uint32_t heads);
  void relation(const UserId& user, const UserId& other, Done<std::optional<Consent>> done);
  void to_users(UserList users, const Push& push, std::uint64_t except);
  void to_sessions(std::vector<std::uint64_t> sessions, const Push& push);

 private:
  friend class OwnerLink;  // which calls
  class Sink;
  using Heads = std::vector<std::pair<ConversationId, std::uint64_t>>;

  Reply reply_of(std::uint64_t call);
  void request(const Caller& caller, std::string_view frame, std::uint64_t call);
  void session_opened(const Caller& caller);
  void session_closed(const Caller& caller);
  void acknowledge(const Caller& caller, const Heads& upto);
  void look(std::uint64_t call, const ConversationId& id, const UserId& reader);
  void read(std::uint64_t call, const EventQuery& query);
  void walk(std::uint64_t call, const ConversationId& after, Position changed_after,
            std::size_t limit);
  void append(std::uint64_t call, LogRecord record);
  [[nodiscard]] Done<void> done_of(std::uint64_t call);

  const std::uint32_t number_;
  FrontSessions& sessions_;  // those of this connection: the next one has its own
  const bool further_;
  FrontWire wire_;
  MarkSender marks_;
  PartitionOwner* owner_ = nullptr;
  std::shared_ptr<Sink> sink_;
  RequestView view_;  // reuses its memory
  OpenCalls<Done<std::vector<Consent>>> consents_;
  OpenCalls<Done<std::optional<Consent>>> relations_;
};

}  // namespace kith::server
