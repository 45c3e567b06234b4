// PartitionHost: a partition of conversations whose front is on another loop. It brings the calls of the front
// (OwnerLink) to the partition, and is the front for the partition: what that asks, marks and pushes goes through a
// lane, and answers come back through another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/delivery/fanout.h"
#include "server/link/lane.h"
#include "server/link/open_calls.h"
#include "server/records/feed_marks.h"
#include "server/requests/relations.h"
#include "src/request_view.h"

namespace kith::server {

class OwnerLink;

// The parts of the front that a partition calls. All on the loop of the front.
struct FrontParts {
  FeedMarks& marks;
  Relations& relations;
  Fanout& fanout;
};

// On the loop of the partition.
class PartitionHost : public FeedMarks, public Relations, public Fanout {
 public:
  // `link` and `front` are used on their loop only, by calls that `lane` brings there; they and the lane
  // outlive this.
  PartitionHost(OwnerLink& link, const FrontParts& front, Lane& lane);
  ~PartitionHost() override;

  // The partition that answers; it outlives the calls of the front.
  void serve(PartitionOwner& owner) { owner_ = &owner; }
  // Lane to the front.
  [[nodiscard]] Lane& lane() { return lane_; }

  void begins(std::uint64_t stored, std::uint64_t logged) override;
  void mark(const FeedMark& mark) override;
  void mark_user(const UserId& user) override;
  void flush(Done<void> done) override;

  void consents(const Caller& caller, const std::vector<UserId>& ids,
                Done<std::vector<Consent>> done) override;
  void charge(const Caller& caller, std::uint32_t people) override;
  void charge_loads(const Caller& caller, std::uint32_t heads) override;
  void relation(const UserId& user, const UserId& other,
                Done<std::optional<Consent>> done) override;

  void to_users(std::span<const UserId> users, const Push& push, std::uint64_t except) override;
  void to_sessions(std::vector<std::uint64_t> sessions, const Push& push) override;

 private:
  friend class OwnerLink;  // which calls
  class Sink;
  using Heads = std::vector<std::pair<ConversationId, std::uint64_t>>;

  Reply reply_of(std::uint64_t call);
  void request(const Caller& caller, std::string_view frame, std::uint64_t call);
  void acknowledge(const Caller& caller, const Heads& upto);
  void look(std::uint64_t call, const ConversationId& id, const UserId& reader);
  void read(std::uint64_t call, const EventQuery& query);
  void walk(std::uint64_t call, const ConversationId& after, Position changed_after,
            std::size_t limit);
  void append(std::uint64_t call, LogRecord record);
  [[nodiscard]] Done<void> done_of(std::uint64_t call);
  void flushed(std::uint64_t call, const Status& status);

  OwnerLink& link_;
  const FrontParts front_;
  Lane& lane_;
  PartitionOwner* owner_ = nullptr;
  std::shared_ptr<Sink> sink_;
  RequestView view_;  // reuses its memory
  OpenCalls<Done<void>> flushes_;
  OpenCalls<Done<std::vector<Consent>>> consents_;
  OpenCalls<Done<std::optional<Consent>>> relations_;
};

}  // namespace kith::server
