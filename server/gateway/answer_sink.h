// AnswerSink sends the answers of services to the sessions that asked. Replies hold it and may outlive the gateway.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/gateway/session_output.h"
#include "server/requests/reply.h"

namespace kith::server {

class AnswerSink : public ReplySink, public std::enable_shared_from_this<AnswerSink> {
 public:
  AnswerSink(Sessions& sessions, SessionOutput& output, Dispatcher& dispatcher,
             Scheduler& scheduler)
      : sessions_(sessions), output_(output), dispatcher_(dispatcher), scheduler_(scheduler) {}

  // The gateway goes: later answers are dropped.
  void close() { open_ = false; }

  void answer(const Request& request, v1::ServerFrame&& frame) override;
  void answer(const Request& request, std::string_view frame) override;
  void failed(const Request& request, const Error& error) override;
  void unanswered(const Request& request) override;

  // Answers that were missing, or did not fit into a frame.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  // Ends the request. Returns its session, or null if it has gone.
  Session* settle(const Request& request);
  // Sends an error in place of an answer that is missing or does not fit into a frame.
  void answer_failed(const Request& request, const char* why);
  void send(Session& session, DeliveryClass cls);

  Sessions& sessions_;
  SessionOutput& output_;
  Dispatcher& dispatcher_;
  Scheduler& scheduler_;
  std::string encoded_;  // the answer being sent; reuses its memory
  std::uint64_t lost_ = 0;
  bool open_ = true;
};

}  // namespace kith::server
