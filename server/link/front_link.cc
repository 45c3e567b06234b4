// Calls of a front arrive at a partition, and calls of the partition leave for the front.
#include "server/link/front_link.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/conversation/reader_view.h"
#include "server/link/owner_link.h"

namespace kith::server {
namespace {

Error no_front() {
  return make_error(ErrorCode::kUnavailable, "the front of the server cannot be reached");
}

}  // namespace

// Answers of the partition's services, for one connection. Replies hold it, and may outlive the link.
class FrontLink::Sink : public ReplySink {
 public:
  explicit Sink(FrontLink& front) : front_(&front) {}

  void close() { front_ = nullptr; }

  void answer(const Request& request, v1::ServerFrame&& frame) override {
    post_answer(request, frame.SerializeAsString());
  }
  void answer(const Request& request, std::string_view frame) override {
    post_answer(request, std::string(frame));
  }
  void failed(const Request& request, const Error& error) override {
    if (front_ == nullptr) return;
    front_->wire_.post(
        [call = request.session, error](OwnerLink& link) { link.calls_.failed(call, error); });
  }
  void unanswered(const Request& request) override {
    if (front_ == nullptr) return;
    front_->wire_.post([call = request.session](OwnerLink& link) { link.calls_.unanswered(call); });
  }

 private:
  void post_answer(const Request& request, std::string frame) {
    if (front_ == nullptr) return;
    front_->wire_.post([call = request.session, frame = std::move(frame)](OwnerLink& link) {
      link.calls_.replied(call, frame);
    });
  }

  FrontLink* front_;  // null: the connection or the link has ended
};

FrontLink::~FrontLink() {
  if (sink_) sink_->close();
}

// --- the connection ---

void FrontLink::connected(OwnerLink& link, std::uint64_t connection, Lane& lane) {
  disconnected();
  wire_.connect(link, connection, lane);
  sink_ = std::make_shared<Sink>(*this);
  marks_.connected();
}

void FrontLink::disconnected() {
  if (!wire_.open()) return;
  wire_.disconnect();
  sink_->close();
  for (const Caller& caller : sessions_.take_all(number_)) owner_->session_closed(caller);
  auto consents = consents_.take_all();
  auto relations = relations_.take_all();
  for (const auto& asked : consents) asked(no_front());
  for (const auto& asked : relations) asked(no_front());
}

// --- calls of the front ---

// The call's number stands in place of the session.
Reply FrontLink::reply_of(std::uint64_t call) {
  if (call == 0) return nullptr;
  ReplySink::Request request;
  request.session = call;
  return {sink_, request};
}

void FrontLink::request(const Caller& caller, std::string_view frame, std::uint64_t call) {
  view_.read(frame);
  owner_->handle(caller, view_, reply_of(call));
}

void FrontLink::session_opened(const Caller& caller) {
  if (further_) sessions_.opened(number_, caller);
  owner_->session_opened(caller);
}

void FrontLink::session_closed(const Caller& caller) {
  sessions_.closed(caller.session);
  owner_->session_closed(caller);
}

void FrontLink::acknowledge(const Caller& caller, const Heads& upto) {
  RequestView request;
  request.kind = RequestView::Kind::kAck;
  for (const auto& [id, seq] : upto) request.upto.push_back({id.view(), seq});
  owner_->handle(caller, request, nullptr);
}

void FrontLink::look(std::uint64_t call, const ConversationId& id, const UserId& reader) {
  using View = Result<std::optional<Conversation>>;
  auto looked = wire_.answer<View>(
      [call](OwnerLink& link, const View& view) { link.calls_.looked(call, view); });
  owner_->with(id, reader, [looked, reader](const Result<const Conversation*>& found) mutable {
    if (!found) return looked(found.error());
    if (*found == nullptr) return looked(std::optional<Conversation>());
    looked(std::optional(reader_view(**found, reader)));
  });
}

void FrontLink::read(std::uint64_t call, const EventQuery& query) {
  using Events = Result<std::vector<Event>>;
  owner_->events(query, wire_.answer<Events>([call](OwnerLink& link, Events&& events) {
    link.calls_.read(call, std::move(events));
  }));
}

void FrontLink::walk(std::uint64_t call, const ConversationId& after, Position changed_after,
                     std::size_t limit) {
  owner_->heads(after, changed_after, limit,
                wire_.answer<Result<HeadsPage>>([call](OwnerLink& link, Result<HeadsPage>&& page) {
                  link.calls_.walked(call, std::move(page));
                }));
}

void FrontLink::append(std::uint64_t call, LogRecord record) {
  owner_->append(std::move(record),
                 wire_.answer<Result<Outcome>>([call](OwnerLink& link, Result<Outcome>&& outcome) {
                   link.calls_.decided(call, std::move(outcome));
                 }));
}

Done<void> FrontLink::done_of(std::uint64_t call) {
  return wire_.answer<Status>(
      [call](OwnerLink& link, const Status& status) { link.calls_.done(call, status); });
}

// --- calls of the partition ---

void FrontLink::stored(const std::shared_ptr<const StoreBatch>& batch) {
  marks_.stored(batch->position);
  if (!wire_.open()) return;
  wire_.post([batch](OwnerLink& link) {
    if (link.front_.stored) link.front_.stored(batch);
  });
}

void FrontLink::consents(const Caller& caller, const std::vector<UserId>& ids,
                         Done<std::vector<Consent>> done) {
  if (!wire_.open()) return done(no_front());
  wire_.post([caller, ids, call = consents_.add(std::move(done))](OwnerLink& link) {
    link.front_.relations.consents(
        caller, ids,
        link.answer<Result<std::vector<Consent>>>(
            [call](FrontLink& front, Result<std::vector<Consent>>&& found) {
              if (const auto asked = front.consents_.take(call)) (*asked)(std::move(found));
            }));
  });
}

void FrontLink::charge(const Caller& caller, std::uint32_t people) {
  if (!wire_.open()) return;
  wire_.post([caller, people](OwnerLink& link) { link.front_.relations.charge(caller, people); });
}

void FrontLink::charge_loads(const Caller& caller, std::uint32_t heads) {
  if (!wire_.open()) return;
  wire_.post(
      [caller, heads](OwnerLink& link) { link.front_.relations.charge_loads(caller, heads); });
}

void FrontLink::relation(const UserId& user, const UserId& other,
                         Done<std::optional<Consent>> done) {
  if (!wire_.open()) return done(no_front());
  wire_.post([user, other, call = relations_.add(std::move(done))](OwnerLink& link) {
    link.front_.relations.relation(
        user, other,
        link.answer<Result<std::optional<Consent>>>(
            [call](FrontLink& front, Result<std::optional<Consent>>&& found) {
              if (const auto asked = front.relations_.take(call)) (*asked)(std::move(found));
            }));
  });
}

void FrontLink::to_users(UserList users, const Push& push, std::uint64_t except) {
  if (users.empty() || !wire_.open()) return;
  wire_.post([users = std::move(users), push, except](OwnerLink& link) {
    link.front_.fanout.to_users(span_of(users), push, except);
  });
}

void FrontLink::to_sessions(std::vector<std::uint64_t> sessions, const Push& push) {
  if (sessions.empty() || !wire_.open()) return;
  wire_.post([sessions = std::move(sessions), push](OwnerLink& link) mutable {
    link.front_.fanout.to_sessions(std::move(sessions), push);
  });
}

}  // namespace kith::server
