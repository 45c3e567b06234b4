// OwnerLink: a partition of conversations on another loop, or in another process, as the front of the server sees it.
// Every call goes to the other side (FrontLink) through a lane, its answer comes back through another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/delivery/fanout.h"
#include "server/link/front_calls.h"
#include "server/link/lane.h"
#include "server/records/feed_marks.h"
#include "server/requests/relations.h"
#include "src/guard.h"

namespace kith::server {

class FrontLink;

// The parts of the front that a partition calls. All on the loop of the front, and outlive the link.
// FeedMarks::begins() is not called, but `opened`.
struct FrontParts {
  FeedMarks& marks;
  Relations& relations;
  Fanout& fanout;
  // Called for every batch that the store has taken; may be null.
  std::function<void(const std::shared_ptr<const StoreBatch>&)> stored{};
  // Called each time when the link opens, with the arguments of FeedMarks::begins(); may be null.
  std::function<void(std::uint64_t stored, std::uint64_t logged)> opened{};
};

// On the loop of the front.
class OwnerLink : public PartitionOwner {
 public:
  explicit OwnerLink(FrontParts front) : front_(std::move(front)) {}

  // From here on calls go to `host`, through `lane`; both outlive the connection. An earlier connection ends. Returns
  // the number for FrontLink::connected(). The link opens when the host says that its partition begins; until
  // then all calls are rejected as without a host.
  std::uint64_t connect(FrontLink& host, Lane& lane);
  // The host cannot be reached any more: rejects with kUnavailable what waits for an answer, and everything
  // until the next connection is open. Answers and pushes that are on their way are dropped.
  void disconnect();
  [[nodiscard]] bool is_current(std::uint64_t connection) const {
    return connection == connection_;
  }
  [[nodiscard]] const FrontParts& front() const { return front_; }
  // The host says how far its log is: the link opens.
  void begins(std::uint64_t stored, std::uint64_t logged);
  // Returns a callback that brings an answer to the host that is connected now: take(host, answer). It drops
  // the answer if another is by then.
  template <class Answer, class Take>
  auto answer(Take take) {
    return guard_.wrap([this, connection = connection_, take = std::move(take)](Answer answer) {
      if (!open_ || connection != connection_) return;
      post([take, answer = std::move(answer)](auto& host) mutable {
        take(host, std::move(answer));
      });
    });
  }

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
  friend class FrontLink;  // which answers

  // Posts call(host).
  template <class Call>
  void post(Call call) {
    lane_->post([host = host_, call = std::move(call)]() mutable { call(*host); });
  }

  const FrontParts front_;
  std::string secret_;
  FrontLink* host_ = nullptr;
  Lane* lane_ = nullptr;
  bool open_ = false;
  FrontCalls calls_;
  std::uint64_t connection_ = 0;  // its number; 0: there is none
  std::uint64_t connections_ = 0;
  Guard guard_;
};

}  // namespace kith::server
