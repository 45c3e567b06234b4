// Reply answers one request, once, now or later, on the loop. A value without memory of its own as long as it is
// only moved: it carries the data of the request. When the last copy goes and none has answered, the sink is
// notified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kith/core/result.h"

namespace kith::v1 {
class ServerFrame;
}

namespace kith::server {

// The receiver of answers: the gateway, which fills reply_to, encodes, and drops answers for closed
// sessions.
class ReplySink {
 public:
  // Made by the gateway; a Reply only carries it.
  struct Request {
    std::uint64_t session = 0;
    std::uint64_t req_id = 0;
    std::uint32_t unacked = 0;
    std::uint32_t asked_us = 0;  // low bits of the clock when it came; 0: nobody measures it
  };

  virtual ~ReplySink() = default;
  virtual void answer(const Request& request, v1::ServerFrame&& frame) = 0;
  // `frame`: the bytes of a ServerFrame without reply_to.
  virtual void answer(const Request& request, std::string_view frame) = 0;
  // A request met an internal failure of the server, whose details the client does not get.
  virtual void failed(const Request& request, const Error& error) {
    (void)request;
    (void)error;
  }
  // The request will get no answer. Called from destructors: must not call back into holders of replies.
  virtual void unanswered(const Request& request) = 0;
};

class Reply {
 public:
  Reply() = default;        // nobody waits
  Reply(std::nullptr_t) {}  // NOLINT(implicit)
  Reply(std::shared_ptr<ReplySink> sink, const ReplySink::Request& request)
      : one_{std::move(sink), request} {}
  Reply(const Reply& other);
  Reply(Reply&& other) noexcept = default;
  Reply& operator=(const Reply& other);
  Reply& operator=(Reply&& other) noexcept;
  ~Reply() = default;
  // An answer that a function gets, as a whole frame.
  template <class Answer>
  requires std::is_invocable_v<Answer&, v1::ServerFrame&&> Reply(
      Answer answer);  // NOLINT(implicit)

  explicit operator bool() const { return shared_ != nullptr || one_.sink != nullptr; }
  // Answers after the first one are dropped, from whichever copy.
  void operator()(v1::ServerFrame&& frame) const;
  void operator()(std::string_view frame) const;
  void failed(const Error& error) const {
    const Open& asked = open();
    if (asked.sink) asked.sink->failed(asked.request, error);
  }

 private:
  class FunctionSink : public ReplySink {
   public:
    void answer(const Request& request, std::string_view frame) final;
    void unanswered(const Request&) final {}
    using ReplySink::answer;
  };

  // A request that has not been answered.
  struct Open {
    Open() = default;
    Open(std::shared_ptr<ReplySink> to, const ReplySink::Request& of)
        : sink(std::move(to)), request(of) {}
    Open(Open&& other) noexcept = default;
    Open& operator=(Open&& other) noexcept;
    ~Open() {
      if (sink) give_up();
    }
    void give_up();
    // The sink, once.
    std::shared_ptr<ReplySink> take() { return std::exchange(sink, nullptr); }

    std::shared_ptr<ReplySink> sink;
    ReplySink::Request request;
  };
  Open& open() const { return shared_ ? *shared_ : one_; }

  mutable Open one_;
  mutable std::shared_ptr<Open> shared_;  // in place of one_ from the first copy on
};

template <class Answer>
requires std::is_invocable_v<Answer&, v1::ServerFrame&&> Reply::Reply(Answer answer) {
  class Sink final : public FunctionSink {
   public:
    explicit Sink(Answer a) : answer_(std::move(a)) {}
    using FunctionSink::answer;
    void answer(const Request&, v1::ServerFrame&& frame) override { answer_(std::move(frame)); }

   private:
    Answer answer_;
  };
  one_.sink = std::make_shared<Sink>(std::move(answer));
}

// A Reply's error form.
void reply_error(const Reply& reply, const Error& error);
void reply_ack(const Reply& reply);

}  // namespace kith::server
