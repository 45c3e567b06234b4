// PartitionRouter: gives each request about conversations to the partition that has them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/feed/user_feed.h"
#include "src/guard.h"

namespace kith::server {

// Loop thread.
class PartitionRouter : public Conversations {
 public:
  // `feed` tells in which large groups a user is; it outlives this.
  explicit PartitionRouter(UserFeed& feed) : feed_(feed) {}

  // The next partition, in their order; outlives this. All before the first call of another method.
  void add(PartitionOwner& owner) { owners_.push_back(&owner); }
  // Owners change: keeps what a new one has to know. Before the first session.
  void keep_sessions() { keeps_sessions_ = true; }
  // A partition can be reached again, maybe with another owner: it hears of the sessions and of what they listen
  // to, and asks about blocks anew, for a change of them may not have reached it.
  void reached(std::uint32_t partition);

  // As those of PartitionOwner, for all partitions.
  void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);
  void handle(const Caller& caller, const RequestView& request, Reply&& reply);
  void set_secret(const std::string& secret);
  void session_opened(const Caller& caller);
  void session_closed(const Caller& caller);
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done);
  void forget_blocks();

  void with(const ConversationId& id, const UserId& reader,
            Done<const Conversation*> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void append(LogRecord record, CommandAnswer answer) override;
  // Into the log of the partition that the user's id names.
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override;

 private:
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(owners_.size()); }
  [[nodiscard]] PartitionOwner& of(const ConversationId& id) const;
  PartitionOwner& of(std::string_view conversation_id);
  void acknowledge(const Caller& caller, const RequestView& request);
  void tell_listens(const UserId& user, std::optional<std::uint32_t> partition);

  UserFeed& feed_;
  std::vector<PartitionOwner*> owners_;
  bool keeps_sessions_ = false;
  std::map<std::uint64_t, Caller> sessions_;  // open ones, if they are kept
  Guard guard_;
};

}  // namespace kith::server
