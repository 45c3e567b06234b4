// OwnerLink: a partition of conversations on another loop, as the front of the server sees it. Every call goes to the
// host of the partition (PartitionHost) through a lane, and its answer comes back through another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/link/lane.h"
#include "server/link/open_calls.h"
#include "src/guard.h"

namespace kith::server {

class PartitionHost;

// On the loop of the front.
class OwnerLink : public PartitionOwner {
 public:
  // From here on calls go to `host`, through `lane`; both outlive the connection.
  void connect(PartitionHost& host, Lane& lane);
  // The host cannot be reached any more: rejects with kUnavailable what waits for an answer, and everything
  // until the next connect().
  void disconnect();

  void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) override;
  void handle(const Caller& caller, const RequestView& request, Reply&& reply) override;
  void set_secret(const std::string& secret) override;
  void session_opened(const Caller& caller) override;
  void session_closed(const Caller& caller) override;
  void listens(const UserId& user, std::vector<ConversationId> groups) override;
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done) override;
  void forget_blocks() override;
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override;
  void with(const ConversationId& id, const UserId& reader,
            Done<const Conversation*> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void append(LogRecord record, CommandAnswer answer) override;
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override;

 private:
  friend class PartitionHost;  // which answers

  // Posts call(host), or nothing without a host.
  template <class Call>
  void post(Call call) {
    lane_->post([host = host_, call = std::move(call)]() mutable { call(*host); });
  }
  // Returns a callback that brings an answer to the host that is connected now: take(host, answer). It drops
  // the answer if another is by then.
  template <class Answer, class Take>
  auto answer(Take take) {
    return guard_.wrap([this, connection = connection_, take = std::move(take)](Answer answer) {
      if (host_ == nullptr || connection != connection_) return;
      post([take, answer = std::move(answer)](auto& host) mutable {
        take(host, std::move(answer));
      });
    });
  }
  void replied(std::uint64_t call, std::string_view frame);
  void failed(std::uint64_t call, const Error& error);
  void unanswered(std::uint64_t call);
  void looked(std::uint64_t call, const Result<std::optional<Conversation>>& found);
  void read(std::uint64_t call, Result<std::vector<Event>>&& events);
  void walked(std::uint64_t call, Result<HeadsPage>&& page);
  void decided(std::uint64_t call, Result<Outcome>&& outcome);
  void done(std::uint64_t call, const Status& status);

  PartitionHost* host_ = nullptr;
  Lane* lane_ = nullptr;
  OpenCalls<Reply> replies_;
  OpenCalls<Done<const Conversation*>> looks_;
  OpenCalls<Done<std::vector<Event>>> reads_;
  OpenCalls<Done<HeadsPage>> walks_;
  OpenCalls<CommandAnswer> commands_;
  OpenCalls<Done<void>> dones_;
  std::uint64_t connection_ = 0;  // counts them
  Guard guard_;
};

}  // namespace kith::server
