// Answers, on their way to the sink that sends them.
#include "server/requests/reply.h"

#include "kith/v1/frame.pb.h"
#include "src/error.h"

namespace kith::server {

void Reply::Open::give_up() {
  if (const auto to = take()) to->unanswered(request);
}

Reply::Open& Reply::Open::operator=(Open&& other) noexcept {
  if (this == &other) return *this;
  give_up();
  sink = std::move(other.sink);
  request = other.request;
  return *this;
}

Reply::Reply(const Reply& other) {
  if (!other.shared_ && other.one_.sink) {
    other.shared_ = std::make_shared<Open>(std::move(other.one_));
  }
  shared_ = other.shared_;
}

Reply& Reply::operator=(const Reply& other) {
  if (this != &other) *this = Reply(other);
  return *this;
}

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this == &other) return *this;
  one_ = std::move(other.one_);
  shared_ = std::move(other.shared_);
  return *this;
}

void Reply::operator()(v1::ServerFrame&& frame) const {
  Open& asked = open();
  if (const auto sink = asked.take()) sink->answer(asked.request, std::move(frame));
}

void Reply::operator()(std::string_view frame) const {
  Open& asked = open();
  if (const auto sink = asked.take()) sink->answer(asked.request, frame);
}

void Reply::FunctionSink::answer(const Request& request, std::string_view frame) {
  v1::ServerFrame read;
  if (read.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    answer(request, std::move(read));
  }
}

void reply_error(const Reply& reply, const Error& error) {
  if (error.code == ErrorCode::kDiskFull || error.code == ErrorCode::kIo ||
      error.code == ErrorCode::kCacheCorrupt || error.code == ErrorCode::kInternal) {
    reply.failed(error);
  }
  v1::ServerFrame frame;
  *frame.mutable_error() = to_wire(error);
  reply(std::move(frame));
}

void reply_ack(const Reply& reply) {
  v1::ServerFrame frame;
  frame.mutable_ack();
  reply(std::move(frame));
}

}  // namespace kith::server
