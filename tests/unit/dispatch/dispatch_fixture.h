// A dispatcher between front doors and services that only remember: no sockets, no conversations.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/dispatch/dispatcher.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server::testing {

inline DeviceId device(std::uint8_t n) {
  return DeviceId(std::array<std::uint8_t, 16>{n});
}

class FakeServices : public Services {
 public:
  bool handle(const Caller&, v1::ClientFrame& frame, Reply& reply) override {
    if (during) during();
    handled.push_back(frame.body_case());
    if (knows_nothing) return false;
    replies.push_back(std::move(reply));
    return true;
  }
  void fast_path(const Caller&, const RequestView& request, Reply&& reply) override {
    if (during) during();
    fast.push_back(request.kind);
    if (reply) replies.push_back(std::move(reply));
  }
  void session_opened(const Caller& caller, bool active, const std::string&) override {
    opened.emplace_back(caller.session, active);
  }
  void session_closed(const Caller& caller) override { closed.push_back(caller.session); }
  void session_active(const Caller&, bool) override {}
  bool shares_receipts(const UserId&) const override { return true; }
  void feed_high(const UserId&, Done<Position> done) override { done(Position{7}); }
  void remove_account(const UserId& user, Done<void> done) override {
    removed.push_back(user);
    done({});
  }
  void failed(const Error& error) override { failures.push_back(error.code); }

  std::vector<v1::ClientFrame::BodyCase> handled;
  std::vector<RequestView::Kind> fast;
  std::vector<Reply> replies;
  std::vector<std::pair<std::uint64_t, bool>> opened;
  std::vector<std::uint64_t> closed;
  std::vector<UserId> removed;
  std::vector<ErrorCode> failures;
  std::function<void()> during;  // called inside each request
  bool knows_nothing = false;
};

// Keeps what is answered, and answers nothing but Ping.
class FakeDoor : public FrontDoor {
 public:
  bool handle(Requester&, v1::ClientFrame& frame, Reply& reply) override {
    if (!frame.has_ping()) return false;
    reply_ack(reply);
    return true;
  }
  const std::shared_ptr<ReplySink>& sink() const override { return sink_; }
  std::vector<v1::ServerFrame>& answers() { return kept_->answers; }
  // Called behind each answer.
  void after_answers(std::function<void()> after) { kept_->after = std::move(after); }

 private:
  struct Sink : ReplySink {
    void answer(const Request& request, v1::ServerFrame&& frame) override {
      frame.set_reply_to(request.req_id);
      answers.push_back(std::move(frame));
      if (after) after();
    }
    void answer(const Request&, std::string_view) override {}
    void unanswered(const Request&) override {}
    std::vector<v1::ServerFrame> answers;
    std::function<void()> after;
  };
  std::shared_ptr<Sink> kept_ = std::make_shared<Sink>();
  std::shared_ptr<ReplySink> sink_ = kept_;
};

class DispatchTest : public ::testing::Test {
 protected:
  DispatchTest() {
    options.log = [this](const LogLine& line) { lines.push_back(line); };
    make();
  }
  void make() {
    entrance = std::make_unique<SignIn>(
        SignInOptions{std::string(32, 's'), nullptr, true, options.account_token_life}, directory,
        users, devices, passwords, loop);
    dispatcher = std::make_unique<Dispatcher>(options, *entrance, services, loop, random);
  }

  VirtualLoop loop;
  CountingRandom random;
  PlainPasswords passwords{loop};
  DirectoryMemory directory{std::make_shared<DirectoryMemory::Disk>(), loop};
  Users users{directory};
  Devices devices{directory};
  ServerOptions options;
  std::vector<LogLine> lines;
  FakeServices services;
  std::unique_ptr<SignIn> entrance;
  std::unique_ptr<Dispatcher> dispatcher;
};

}  // namespace kith::server::testing
