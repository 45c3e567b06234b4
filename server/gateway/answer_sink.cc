// AnswerSink: each answer, once, in its frame.
#include "server/gateway/answer_sink.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

constexpr std::size_t kKeptBytes = 4 * 1024;
constexpr const char* kTooLarge = "the answer does not fit into a frame";

}  // namespace

Session* AnswerSink::settle(const Request& request) {
  Session* session = sessions_.find(request.session);
  dispatcher_.answered(session == nullptr ? nullptr : &session->requester, request);
  const bool gone = session == nullptr || session->state() == Session::State::kClosing;
  return gone ? nullptr : session;
}

void AnswerSink::answer(const Request& request, v1::ServerFrame&& frame) {
  Session* session = open_ ? settle(request) : nullptr;
  if (session == nullptr) return;
  if (request.req_id == 0 && !frame.has_pong()) return;  // no reply wanted
  if (frame.has_sync_reset() && session->history.foreign) {
    frame.mutable_sync_reset()->set_kept_until_ms(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, session->history.kept_until_ms)));
  }
  frame.set_reply_to(request.req_id);
  if (!encode_into(frame, encoded_)) return answer_failed(request, kTooLarge);
  send(*session, frame.has_pong() ? DeliveryClass::kControl : DeliveryClass::kReply);
}

void AnswerSink::answer(const Request& request, std::string_view frame) {
  Session* session = open_ ? settle(request) : nullptr;
  if (session == nullptr || request.req_id == 0) return;
  encoded_.clear();
  WireWriter(encoded_).number(v1::ServerFrame::kReplyToFieldNumber, request.req_id);
  encoded_.append(frame);
  if (encoded_.size() > limits::frame_bytes_max) return answer_failed(request, kTooLarge);
  send(*session, DeliveryClass::kReply);
}

void AnswerSink::failed(const Request& /*request*/, const Error& error) {
  if (open_) dispatcher_.failed(error);
}

// Called from the destructor of the reply's holder: answers in a later turn.
void AnswerSink::unanswered(const Request& request) {
  if (!open_) return;
  scheduler_.post([this, self = shared_from_this(), request] {
    if (!open_ || settle(request) == nullptr || request.req_id == 0) return;
    answer_failed(request, "the server has lost this request");
  });
}

void AnswerSink::answer_failed(const Request& request, const char* why) {
  Session* session = sessions_.find(request.session);
  if (session == nullptr || session->state() == Session::State::kClosing) return;
  ++lost_;
  v1::ServerFrame frame;
  frame.set_reply_to(request.req_id);
  *frame.mutable_error() = to_wire(make_error(ErrorCode::kInternal, why));
  if (encode_into(frame, encoded_)) send(*session, DeliveryClass::kReply);
}

void AnswerSink::send(Session& session, DeliveryClass cls) {
  output_.answer(session, encoded_, cls);
  if (encoded_.capacity() > kKeptBytes) std::string().swap(encoded_);
}

}  // namespace kith::server
