// Calls of the front arrive at a partition, and calls of the partition leave for the front.
#include "server/link/partition_host.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/conversation/reader_view.h"
#include "server/link/owner_link.h"

namespace kith::server {

// Answers of the partition's services. Replies hold it, and may outlive the host.
class PartitionHost::Sink : public ReplySink {
 public:
  Sink(OwnerLink& link, Lane& lane) : link_(&link), lane_(&lane) {}

  void close() { link_ = nullptr; }

  void answer(const Request& request, v1::ServerFrame&& frame) override {
    post_answer(request, frame.SerializeAsString());
  }
  void answer(const Request& request, std::string_view frame) override {
    post_answer(request, std::string(frame));
  }
  void failed(const Request& request, const Error& error) override {
    if (link_ == nullptr) return;
    lane_->post([link = link_, call = request.session, error] { link->failed(call, error); });
  }
  void unanswered(const Request& request) override {
    if (link_ == nullptr) return;
    lane_->post([link = link_, call = request.session] { link->unanswered(call); });
  }

 private:
  void post_answer(const Request& request, std::string frame) {
    if (link_ == nullptr) return;
    lane_->post([link = link_, call = request.session, frame = std::move(frame)] {
      link->replied(call, frame);
    });
  }

  OwnerLink* link_;  // null: the host has ended
  Lane* lane_;
};

PartitionHost::PartitionHost(OwnerLink& link, const FrontParts& front, Lane& lane)
    : link_(link), front_(front), lane_(lane), sink_(std::make_shared<Sink>(link, lane)) {}

PartitionHost::~PartitionHost() {
  sink_->close();
}

// --- calls of the front ---

// The call's number stands in place of the session.
Reply PartitionHost::reply_of(std::uint64_t call) {
  if (call == 0) return nullptr;
  ReplySink::Request request;
  request.session = call;
  return {sink_, request};
}

void PartitionHost::request(const Caller& caller, std::string_view frame, std::uint64_t call) {
  view_.read(frame);
  owner_->handle(caller, view_, reply_of(call));
}

void PartitionHost::acknowledge(const Caller& caller, const Heads& upto) {
  RequestView request;
  request.kind = RequestView::Kind::kAck;
  for (const auto& [id, seq] : upto) request.upto.push_back({id.view(), seq});
  owner_->handle(caller, request, nullptr);
}

void PartitionHost::look(std::uint64_t call, const ConversationId& id, const UserId& reader) {
  owner_->with(id, reader, [this, call, reader](const Result<const Conversation*>& found) {
    Result<std::optional<Conversation>> view{std::optional<Conversation>()};
    if (!found) {
      view = found.error();
    } else if (*found != nullptr) {
      view = std::optional(reader_view(**found, reader));
    }
    lane_.post([link = &link_, call, view = std::move(view)] { link->looked(call, view); });
  });
}

void PartitionHost::read(std::uint64_t call, const EventQuery& query) {
  owner_->events(query, [this, call](Result<std::vector<Event>> events) {
    lane_.post([link = &link_, call, events = std::move(events)]() mutable {
      link->read(call, std::move(events));
    });
  });
}

void PartitionHost::walk(std::uint64_t call, const ConversationId& after, Position changed_after,
                         std::size_t limit) {
  owner_->heads(after, changed_after, limit, [this, call](Result<HeadsPage> page) {
    lane_.post([link = &link_, call, page = std::move(page)]() mutable {
      link->walked(call, std::move(page));
    });
  });
}

void PartitionHost::append(std::uint64_t call, LogRecord record) {
  owner_->append(std::move(record), [this, call](Result<Outcome>&& outcome) {
    lane_.post([link = &link_, call, outcome = std::move(outcome)]() mutable {
      link->decided(call, std::move(outcome));
    });
  });
}

Done<void> PartitionHost::done_of(std::uint64_t call) {
  return [this, call](const Status& status) {
    lane_.post([link = &link_, call, status] { link->done(call, status); });
  };
}

// --- calls of the partition ---

void PartitionHost::begins(std::uint64_t stored, std::uint64_t logged) {
  lane_.post([marks = &front_.marks, stored, logged] { marks->begins(stored, logged); });
}

void PartitionHost::mark(const FeedMark& mark) {
  lane_.post([marks = &front_.marks, mark] { marks->mark(mark); });
}

void PartitionHost::mark_user(const UserId& user) {
  lane_.post([marks = &front_.marks, user] { marks->mark_user(user); });
}

void PartitionHost::flush(Done<void> done) {
  lane_.post([link = &link_, marks = &front_.marks, call = flushes_.add(std::move(done))] {
    marks->flush(link->answer<Status>(
        [call](PartitionHost& host, Status&& status) { host.flushed(call, status); }));
  });
}

void PartitionHost::flushed(std::uint64_t call, const Status& status) {
  if (const auto done = flushes_.take(call)) (*done)(status);
}

void PartitionHost::consents(const Caller& caller, const std::vector<UserId>& ids,
                             Done<std::vector<Consent>> done) {
  lane_.post([link = &link_, relations = &front_.relations, caller, ids,
              call = consents_.add(std::move(done))] {
    relations->consents(caller, ids,
                        link->answer<Result<std::vector<Consent>>>(
                            [call](PartitionHost& host, Result<std::vector<Consent>>&& found) {
                              if (const auto asked = host.consents_.take(call)) {
                                (*asked)(std::move(found));
                              }
                            }));
  });
}

void PartitionHost::charge(const Caller& caller, std::uint32_t people) {
  lane_.post(
      [relations = &front_.relations, caller, people] { relations->charge(caller, people); });
}

void PartitionHost::charge_loads(const Caller& caller, std::uint32_t heads) {
  lane_.post(
      [relations = &front_.relations, caller, heads] { relations->charge_loads(caller, heads); });
}

void PartitionHost::relation(const UserId& user, const UserId& other,
                             Done<std::optional<Consent>> done) {
  lane_.post([link = &link_, relations = &front_.relations, user, other,
              call = relations_.add(std::move(done))] {
    relations->relation(user, other,
                        link->answer<Result<std::optional<Consent>>>(
                            [call](PartitionHost& host, Result<std::optional<Consent>>&& found) {
                              if (const auto asked = host.relations_.take(call)) {
                                (*asked)(std::move(found));
                              }
                            }));
  });
}

void PartitionHost::to_users(std::span<const UserId> users, const Push& push,
                             std::uint64_t except) {
  if (users.empty()) return;
  lane_.post([fanout = &front_.fanout, to = UserList(users.begin(), users.end()), push, except] {
    fanout->to_users(span_of(to), push, except);
  });
}

void PartitionHost::to_sessions(std::vector<std::uint64_t> sessions, const Push& push) {
  if (sessions.empty()) return;
  lane_.post([fanout = &front_.fanout, sessions = std::move(sessions), push]() mutable {
    fanout->to_sessions(std::move(sessions), push);
  });
}

}  // namespace kith::server
