// Calls of the front on their way to a partition.
#include "server/link/owner_link.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/link/front_link.h"
#include "server/requests/request_frame.h"
#include "src/frame_codec.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

Error not_connected() {
  return make_error(ErrorCode::kUnavailable, "the owner of the conversation cannot be reached");
}

}  // namespace

std::uint64_t OwnerLink::connect(FrontLink& host, Lane& lane) {
  disconnect();
  host_ = &host;
  lane_ = &lane;
  return connection_ = ++connections_;
}

void OwnerLink::begins(std::uint64_t stored, std::uint64_t logged) {
  open_ = true;
  if (!secret_.empty()) set_secret(secret_);
  if (front_.opened) front_.opened(stored, logged);
}

void OwnerLink::disconnect() {
  host_ = nullptr;
  lane_ = nullptr;
  open_ = false;
  connection_ = 0;
  calls_.reject_all(not_connected());
}

// --- requests ---

void OwnerLink::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  if (!open_) return reply_error(reply, not_connected());
  const std::uint64_t call = reply ? calls_.replies.add(std::move(reply)) : 0;
  post([caller, frame = std::move(frame), call](FrontLink& host) mutable {
    host.owner_->handle(caller, std::move(frame), host.reply_of(call));
  });
}

void OwnerLink::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (!open_) return reply_error(reply, not_connected());
  if (request.kind == RequestView::Kind::kAck) {
    FrontLink::Heads upto;
    upto.reserve(request.upto.size());
    for (const RequestView::Head& head : request.upto) {
      if (const auto id = conversation_id(head.conversation)) upto.emplace_back(*id, head.seq);
    }
    return post(
        [caller, upto = std::move(upto)](FrontLink& host) { host.acknowledge(caller, upto); });
  }
  if (request.whole.empty()) return handle(caller, frame_of(request), std::move(reply));
  const std::uint64_t call = reply ? calls_.replies.add(std::move(reply)) : 0;
  post([caller, frame = std::string(request.whole), call](FrontLink& host) {
    host.request(caller, frame, call);
  });
}

void OwnerLink::set_secret(const std::string& secret) {
  secret_ = secret;
  if (!open_) return;
  post([secret](FrontLink& host) { host.owner_->set_secret(secret); });
}

void OwnerLink::session_opened(const Caller& caller) {
  if (!open_) return;
  post([caller](FrontLink& host) { host.session_opened(caller); });
}

void OwnerLink::session_closed(const Caller& caller) {
  if (!open_) return;
  post([caller](FrontLink& host) { host.session_closed(caller); });
}

void OwnerLink::listens(const UserId& user, std::vector<ConversationId> groups) {
  if (!open_) return;
  post([user, groups = std::move(groups)](FrontLink& host) mutable {
    host.owner_->listens(user, std::move(groups));
  });
}

void OwnerLink::set_block(const UserId& by, const UserId& other, bool on, Done<void> done) {
  if (!open_) return done(not_connected());
  post([by, other, on, call = calls_.dones.add(std::move(done))](FrontLink& host) {
    host.owner_->set_block(by, other, on, host.done_of(call));
  });
}

void OwnerLink::forget_blocks() {
  if (!open_) return;
  post([](FrontLink& host) { host.owner_->forget_blocks(); });
}

// --- questions and commands of the server itself ---

void OwnerLink::heads(const ConversationId& after, Position changed_after, std::size_t limit,
                      Done<HeadsPage> done) {
  if (!open_) return done(not_connected());
  post([after, changed_after, limit, call = calls_.walks.add(std::move(done))](FrontLink& host) {
    host.walk(call, after, changed_after, limit);
  });
}

void OwnerLink::with(const ConversationId& id, const UserId& reader,
                     Done<const Conversation*> done) {
  if (!open_) return done(not_connected());
  post([id, reader, call = calls_.looks.add(std::move(done))](FrontLink& host) {
    host.look(call, id, reader);
  });
}

void OwnerLink::events(const EventQuery& query, Done<std::vector<Event>> done) {
  if (!open_) return done(not_connected());
  post([query, call = calls_.reads.add(std::move(done))](FrontLink& host) {
    host.read(call, query);
  });
}

void OwnerLink::append(LogRecord record, CommandAnswer answer) {
  if (!open_) return answer(not_connected());
  post([record = std::move(record), call = calls_.commands.add(std::move(answer))](
           FrontLink& host) mutable { host.append(call, std::move(record)); });
}

void OwnerLink::mark_user(const UserId& user, const DeviceId& device, Done<void> done) {
  if (!open_) return done(not_connected());
  post([user, device, call = calls_.dones.add(std::move(done))](FrontLink& host) {
    host.owner_->mark_user(user, device, host.done_of(call));
  });
}

}  // namespace kith::server
