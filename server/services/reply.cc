// Answers, on their way to the desk that sends them.
#include "server/services/reply.h"

#include "kith/v1/frame.pb.h"
#include "src/error.h"

namespace kith::server {

void Reply::operator()(v1::ServerFrame&& frame) const {
  if (desk_ && std::exchange(open_, false)) desk_->answer(request_, std::move(frame));
}

void Reply::operator()(std::string_view frame) const {
  if (desk_ && std::exchange(open_, false)) desk_->answer(request_, frame);
}

void Reply::FunctionDesk::answer(const Request& request, std::string_view frame) {
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
