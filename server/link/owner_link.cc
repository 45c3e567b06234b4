// Calls of the front on their way to a partition.
#include "server/link/owner_link.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/link/partition_host.h"
#include "server/requests/request_frame.h"
#include "src/frame_codec.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

Error not_connected() {
  return make_error(ErrorCode::kUnavailable, "the owner of the conversation cannot be reached");
}

}  // namespace

void OwnerLink::connect(PartitionHost& host, Lane& lane) {
  host_ = &host;
  lane_ = &lane;
  ++connection_;
}

void OwnerLink::disconnect() {
  host_ = nullptr;
  lane_ = nullptr;
  auto replies = replies_.take_all();
  auto looks = looks_.take_all();
  auto reads = reads_.take_all();
  auto walks = walks_.take_all();
  auto commands = commands_.take_all();
  auto dones = dones_.take_all();
  for (const Reply& reply : replies) reply_error(reply, not_connected());
  for (auto& look : looks) look(not_connected());
  for (auto& read : reads) read(not_connected());
  for (auto& walk : walks) walk(not_connected());
  for (auto& command : commands) command(not_connected());
  for (auto& done : dones) done(not_connected());
}

// --- requests ---

void OwnerLink::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  if (host_ == nullptr) return reply_error(reply, not_connected());
  const std::uint64_t call = reply ? replies_.add(std::move(reply)) : 0;
  post([caller, frame = std::move(frame), call](PartitionHost& host) mutable {
    host.owner_->handle(caller, std::move(frame), host.reply_of(call));
  });
}

void OwnerLink::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (host_ == nullptr) return reply_error(reply, not_connected());
  if (request.kind == RequestView::Kind::kAck) {
    PartitionHost::Heads upto;
    upto.reserve(request.upto.size());
    for (const RequestView::Head& head : request.upto) {
      if (const auto id = conversation_id(head.conversation)) upto.emplace_back(*id, head.seq);
    }
    return post(
        [caller, upto = std::move(upto)](PartitionHost& host) { host.acknowledge(caller, upto); });
  }
  if (request.whole.empty()) return handle(caller, frame_of(request), std::move(reply));
  const std::uint64_t call = reply ? replies_.add(std::move(reply)) : 0;
  post([caller, frame = std::string(request.whole), call](PartitionHost& host) {
    host.request(caller, frame, call);
  });
}

void OwnerLink::set_secret(const std::string& secret) {
  if (host_ == nullptr) return;
  post([secret](PartitionHost& host) { host.owner_->set_secret(secret); });
}

void OwnerLink::session_opened(const Caller& caller) {
  if (host_ == nullptr) return;
  post([caller](PartitionHost& host) { host.owner_->session_opened(caller); });
}

void OwnerLink::session_closed(const Caller& caller) {
  if (host_ == nullptr) return;
  post([caller](PartitionHost& host) { host.owner_->session_closed(caller); });
}

void OwnerLink::listens(const UserId& user, std::vector<ConversationId> groups) {
  if (host_ == nullptr) return;
  post([user, groups = std::move(groups)](PartitionHost& host) mutable {
    host.owner_->listens(user, std::move(groups));
  });
}

void OwnerLink::set_block(const UserId& by, const UserId& other, bool on, Done<void> done) {
  if (host_ == nullptr) return done(not_connected());
  post([by, other, on, call = dones_.add(std::move(done))](PartitionHost& host) {
    host.owner_->set_block(by, other, on, host.done_of(call));
  });
}

void OwnerLink::forget_blocks() {
  if (host_ == nullptr) return;
  post([](PartitionHost& host) { host.owner_->forget_blocks(); });
}

// --- questions and commands of the server itself ---

void OwnerLink::heads(const ConversationId& after, Position changed_after, std::size_t limit,
                      Done<HeadsPage> done) {
  if (host_ == nullptr) return done(not_connected());
  post([after, changed_after, limit, call = walks_.add(std::move(done))](PartitionHost& host) {
    host.walk(call, after, changed_after, limit);
  });
}

void OwnerLink::with(const ConversationId& id, const UserId& reader,
                     Done<const Conversation*> done) {
  if (host_ == nullptr) return done(not_connected());
  post([id, reader, call = looks_.add(std::move(done))](PartitionHost& host) {
    host.look(call, id, reader);
  });
}

void OwnerLink::events(const EventQuery& query, Done<std::vector<Event>> done) {
  if (host_ == nullptr) return done(not_connected());
  post(
      [query, call = reads_.add(std::move(done))](PartitionHost& host) { host.read(call, query); });
}

void OwnerLink::append(LogRecord record, CommandAnswer answer) {
  if (host_ == nullptr) return answer(not_connected());
  post([record = std::move(record), call = commands_.add(std::move(answer))](
           PartitionHost& host) mutable { host.append(call, std::move(record)); });
}

void OwnerLink::mark_user(const UserId& user, const DeviceId& device, Done<void> done) {
  if (host_ == nullptr) return done(not_connected());
  post([user, device, call = dones_.add(std::move(done))](PartitionHost& host) {
    host.owner_->mark_user(user, device, host.done_of(call));
  });
}

// --- answers ---

void OwnerLink::replied(std::uint64_t call, std::string_view frame) {
  if (const auto reply = replies_.take(call)) (*reply)(frame);
}

void OwnerLink::failed(std::uint64_t call, const Error& error) {
  if (const Reply* reply = replies_.find(call)) reply->failed(error);
}

void OwnerLink::unanswered(std::uint64_t call) {
  replies_.take(call);
}

void OwnerLink::looked(std::uint64_t call, const Result<std::optional<Conversation>>& found) {
  const auto look = looks_.take(call);
  if (!look) return;
  if (!found) return (*look)(found.error());
  (*look)(*found ? &**found : nullptr);
}

void OwnerLink::read(std::uint64_t call, Result<std::vector<Event>>&& events) {
  if (const auto read = reads_.take(call)) (*read)(std::move(events));
}

void OwnerLink::walked(std::uint64_t call, Result<HeadsPage>&& page) {
  if (const auto walk = walks_.take(call)) (*walk)(std::move(page));
}

void OwnerLink::decided(std::uint64_t call, Result<Outcome>&& outcome) {
  if (auto command = commands_.take(call)) (*command)(std::move(outcome));
}

void OwnerLink::done(std::uint64_t call, const Status& status) {
  if (const auto done = dones_.take(call)) (*done)(status);
}

}  // namespace kith::server
