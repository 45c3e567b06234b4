// Sessions from the first byte to the goodbye, over sockets that only remember.
#include "tests/unit/gateway/gateway_fixture.h"

namespace kith::server {
namespace {

TEST_F(GatewayTest, WelcomesAfterTheSessionIsRegistered) {
  const ConnectionId id = sign_in("ann");
  EXPECT_TRUE(registered_before_welcome);
  EXPECT_EQ(last(id).reply_to(), 1U);
  EXPECT_EQ(last(id).welcome().feed_high(), 42U);
  EXPECT_EQ(last(id).welcome().user_id(), UserId::of("ann").bytes());
  EXPECT_EQ(opened_sessions, 1);
}

TEST_F(GatewayTest, WhoHidesWhatTheyReadIsPushedTheRedactedFrame) {
  const ConnectionId ann = sign_in("ann"), bob = sign_in("bob", 2);
  hides_reads = UserId::of("bob");
  v1::ServerFrame frame;
  auto& state = *frame.mutable_receipt_push()->add_states();
  state.set_delivered_all_seq(5);
  Push push = make_push(frame, DeliveryClass::kReceipt);
  push.redacted = push.frame;
  state.set_read_all_seq(4);
  push.frame = make_push(frame, DeliveryClass::kReceipt).frame;
  SessionFanout fanout(registry, bus, "g");
  const std::vector<UserId> both{UserId::of("ann"), hides_reads};
  fanout.to_users(both, push);
  EXPECT_EQ(last(ann).receipt_push().states(0).read_all_seq(), 4u);
  EXPECT_EQ(last(bob).receipt_push().states(0).read_all_seq(), 0u);
  EXPECT_EQ(last(bob).receipt_push().states(0).delivered_all_seq(), 5u);
  push.redacted = nullptr;
  fanout.to_users(both, push);
  EXPECT_EQ(last(bob).receipt_push().states(0).read_all_seq(), 4u) << "the same for all";
}

TEST_F(GatewayTest, AnythingBeforeHelloIsAProtocolError) {
  const ConnectionId id = open();
  say(id, request());
  EXPECT_EQ(sockets.frames[id][0].error().code(), v1::ERROR_CODE_PROTOCOL);
  EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_PROTOCOL_ERROR);
  EXPECT_EQ(closed(id), 4400);
}

TEST_F(GatewayTest, ASessionThatIsOpenIsNotOpenedAgain) {
  v1::ClientFrame incomplete;  // whatever else is wrong with it
  incomplete.set_req_id(7);
  incomplete.mutable_hello()->set_major(1);
  v1::ClientFrame sign_in_again;
  sign_in_again.mutable_sign_in();
  for (const v1::ClientFrame& frame : {hello(1, token("ann", 1h)), incomplete, sign_in_again}) {
    const ConnectionId id = sign_in("ann");
    say(id, frame);
    EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_PROTOCOL_ERROR);
    EXPECT_EQ(closed(id), 4400);
  }
}

TEST_F(GatewayTest, BytesThatAreNoFrameCloseTheConnection) {
  const ConnectionId id = sign_in("ann");
  gateway.on_message(id, "\xff\xff\xff");
  EXPECT_EQ(closed(id), 4400);
  EXPECT_EQ(closed_sessions, 1);
}

TEST_F(GatewayTest, HelloMustComeInTime) {
  const ConnectionId id = open();
  loop.advance(9s);
  EXPECT_EQ(closed(id), 0);
  loop.advance(2s);
  EXPECT_EQ(closed(id), 1000);
}

TEST_F(GatewayTest, SilenceEndsASessionAndAPingKeepsIt) {
  const ConnectionId id = sign_in("ann");
  loop.advance(60s);
  v1::ClientFrame ping;
  ping.mutable_ping()->set_t(5);
  say(id, ping);
  EXPECT_EQ(last(id).pong().t(), 5U);
  loop.advance(60s);
  EXPECT_EQ(closed(id), 0);
  loop.advance(17s);
  EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_IDLE);
}

TEST_F(GatewayTest, RefusedTokensAreToldApart) {
  const ConnectionId id = open();
  say(id, hello(1, "rubbish"));
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
  say(id, hello(1, token("ann", -2h)));
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_TOKEN_EXPIRED);
  say(id, hello(1, token("ann")));
  EXPECT_TRUE(last(id).has_welcome()) << "a fresh token may follow on the same connection";
}

TEST_F(GatewayTest, RegistersSignsInAndDoesNotTellWhoExists) {
  const ConnectionId id = open();
  say(id, registration(3, "bob"));
  ASSERT_TRUE(last(id).has_signed_in());
  const std::string access = last(id).signed_in().access_token();
  v1::ClientFrame again;
  again.set_req_id(4);
  again.mutable_sign_in()->set_handle("bob");
  again.mutable_sign_in()->set_password("wrong horse");
  again.mutable_sign_in()->set_device_id(device(1).bytes());
  say(id, again);
  const v1::Error wrong_password = last(id).error();
  again.mutable_sign_in()->set_handle("nobody");
  const int before = passwords.verified;
  say(id, again);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(last(id).error().detail(), wrong_password.detail());
  EXPECT_EQ(passwords.verified, before + 1) << "takes as long as a known handle";
  say(id, hello(1, access));
  EXPECT_TRUE(last(id).has_welcome());
}

TEST_F(GatewayTest, TheNewerSessionOfADeviceWins) {
  const ConnectionId old = sign_in("ann", 1);
  const ConnectionId other_device = sign_in("ann", 2);
  const ConnectionId newer = sign_in("ann", 1);
  EXPECT_EQ(last(old).goodbye().reason(), v1::GOODBYE_REASON_REPLACED);
  EXPECT_EQ(closed(old), 4409);
  EXPECT_EQ(closed(other_device), 0);
  EXPECT_EQ(closed(newer), 0);
  gateway.on_close(old);
  EXPECT_TRUE(gateway.online(UserId::of("ann"), device(1)));
}

// Its phone gave the first connection up and came again, while the directory was slow with the first.
TEST_F(GatewayTest, AHelloThatIsAdmittedLateDoesNotReplaceALaterOne) {
  people->delay = [] { return 500ms; };
  const ConnectionId old = open();
  say(old, hello(1, token("ann")));
  EXPECT_FALSE(last(old).has_welcome());
  people->delay = nullptr;
  const ConnectionId newer = open();
  say(newer, hello(1, token("ann")));
  loop.advance(2s);
  EXPECT_TRUE(sockets.frames[newer].front().has_welcome());
  EXPECT_EQ(closed(newer), 0);
  EXPECT_EQ(last(old).goodbye().reason(), v1::GOODBYE_REASON_REPLACED);
  EXPECT_EQ(closed(old), 4409);
  EXPECT_TRUE(gateway.online(UserId::of("ann"), device(1)));
}

// the session ends with its token unless it is renewed in band.
TEST_F(GatewayTest, ATokenIsRenewedInBandOrEndsTheSession) {
  const ConnectionId id = sign_in("ann", 1, 30s - kLeeway);
  const v1::Welcome welcome = last(id).welcome();
  const std::uint64_t first_end = welcome.session_expires_ms();
  EXPECT_NEAR(static_cast<double>(first_end - welcome.server_time_ms()), 30'000, 1'000);
  loop.advance(20s);
  v1::ClientFrame renew;
  renew.set_req_id(7);
  renew.mutable_renew_token()->set_access_token(token("eve", 60s));
  say(id, renew);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_UNAUTHENTICATED) << "another user's";
  renew.mutable_renew_token()->set_access_token(token("ann", 40s - kLeeway));
  say(id, renew);
  EXPECT_TRUE(last(id).has_ack());
  EXPECT_EQ(last(id).ack().session_expires_ms(), first_end + 30'000);
  loop.advance(30s);
  EXPECT_EQ(closed(id), 0);
  loop.advance(12s);
  EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_TOKEN_EXPIRED);
}

// whether it is opened early or when the token has just ended, with a token or with a ticket.
TEST_F(GatewayTest, ASessionEndsALeewayAfterItsToken) {
  const auto first_token = token("ann", 30s);
  v1::ClientFrame ping;
  ping.mutable_ping()->set_t(1);
  const ConnectionId early = open();
  say(early, hello(1, first_token));
  const std::uint64_t end = last(early).welcome().session_expires_ms();
  const std::uint64_t begun = last(early).welcome().server_time_ms();
  EXPECT_EQ(end, begun + 30'000 + Millis(kLeeway).count());
  v1::ClientFrame resume = hello(3, "");
  const ConnectionId third = open();
  say(third, hello(3, first_token));
  resume.mutable_hello()->set_resume_ticket(last(third).welcome().resume_ticket());

  loop.advance(60s);
  const ConnectionId late = open();
  say(late, hello(2, first_token));
  EXPECT_EQ(last(late).welcome().session_expires_ms(), end);
  const ConnectionId back = open();
  say(back, resume);
  EXPECT_EQ(last(back).welcome().session_expires_ms(), end);
  say(early, ping);
  loop.advance(29s);
  for (const ConnectionId id : {early, late, back}) EXPECT_EQ(closed(id), 0);
  loop.advance(2s);
  for (const ConnectionId id : {early, late, back}) {
    EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_TOKEN_EXPIRED);
  }
  say(open(), hello(4, first_token));
  EXPECT_EQ(last({0, opened, 1}).error().code(), v1::ERROR_CODE_TOKEN_EXPIRED);
}

// The same for tokens of the server's own.
TEST_F(GatewayTest, ASessionOfAnOwnAccountEndsALeewayAfterItsToken) {
  const ConnectionId id = open();
  say(id, registration(3, "bob"));
  const v1::SignedIn own = last(id).signed_in();
  const std::uint64_t end = own.expires_ms() + Millis(kLeeway).count();
  say(id, hello(1, own.access_token()));
  EXPECT_EQ(last(id).welcome().session_expires_ms(), end);
  const std::int64_t left = static_cast<std::int64_t>(own.expires_ms()) - loop.clock().wall().ms;
  loop.advance(Millis(left) + 30s);
  const ConnectionId late = open();
  say(late, hello(1, own.access_token()));
  EXPECT_EQ(last(late).welcome().session_expires_ms(), end);
}

TEST_F(GatewayTest, AResumeTicketOpensASessionForItsDeviceOnly) {
  const ConnectionId first = sign_in("ann", 1);
  v1::ClientFrame resume = hello(1, "");
  resume.mutable_hello()->set_resume_ticket(last(first).welcome().resume_ticket());
  const ConnectionId second = open();
  say(second, resume);
  EXPECT_TRUE(last(second).has_welcome());
  resume.mutable_hello()->set_device_id(device(2).bytes());
  const ConnectionId thief = open();
  say(thief, resume);
  EXPECT_EQ(last(thief).error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
}

// revocation closes the matching sockets; tokens and tickets from before stop working.
TEST_F(GatewayTest, RevocationEndsMatchingSessionsAndTheirTickets) {
  const ConnectionId lost = sign_in("ann", 1);
  const ConnectionId kept = sign_in("ann", 2);
  const std::string ticket = last(lost).welcome().resume_ticket();
  DeviceRecord record;
  record.id = device(1);
  record.revoked_ms = loop.clock().wall().ms;
  devices.put(UserId::of("ann"), record, [](const Status&) {});
  loop.settle();
  const DeviceId revoked = device(1);
  gateway.end_revoked(UserId::of("ann"), &revoked);
  EXPECT_EQ(closed(lost), 4401);
  EXPECT_EQ(closed(kept), 0);
  v1::ClientFrame resume = hello(1, "");
  resume.mutable_hello()->set_resume_ticket(ticket);
  const ConnectionId again = open();
  say(again, resume);
  EXPECT_EQ(sockets.frames[again][0].error().code(), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(closed(again), 4401);
  loop.advance(5s);
  sign_in("ann", 1);
}

TEST_F(GatewayTest, ARequestIsAnsweredExactlyOnce) {
  const ConnectionId id = sign_in("ann");
  say(id, request());
  ASSERT_EQ(pending.size(), 1U);
  const std::size_t before = sockets.frames[id].size();
  reply_ack(pending[0]);
  reply_ack(pending[0]);
  EXPECT_EQ(sockets.frames[id].size(), before + 1);
  EXPECT_EQ(last(id).reply_to(), 9U);
}

TEST_F(GatewayTest, ARequestWhoseAnswerIsLostIsAnsweredWithInternal) {
  const ConnectionId id = sign_in("ann");
  say(id, request());
  ASSERT_EQ(pending.size(), 1U);
  Reply copy = pending[0];
  pending.clear();
  loop.settle();
  EXPECT_TRUE(last(id).has_welcome());  // one is left that may answer
  copy = Reply();
  loop.settle();
  EXPECT_EQ(last(id).reply_to(), 9U);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_INTERNAL);
  const std::size_t told = sockets.frames[id].size();
  say(id, request());
  {
    const Reply first = std::move(pending[0]);
    const Reply second = first;
    pending.clear();
    reply_ack(first);
    reply_ack(second);
  }
  loop.settle();
  EXPECT_EQ(sockets.frames[id].size(), told + 1);
  EXPECT_TRUE(last(id).has_ack());
  std::map<std::string, std::uint64_t> stats;
  gateway.add_stats(stats);
  EXPECT_EQ(stats["answers_failed"], 1U);
}

TEST_F(GatewayTest, AnAnswerThatFitsIntoNoFrameBecomesInternal) {
  const ConnectionId id = sign_in("ann");
  say(id, request());
  v1::ServerFrame large;
  large.mutable_events_page()->add_events()->set_body(std::string(limits::frame_bytes_max, 'x'));
  pending[0](v1::ServerFrame(large));
  EXPECT_EQ(last(id).reply_to(), 9U);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_INTERNAL);
  const std::size_t told = sockets.frames[id].size();
  say(id, request());
  pending[1](std::string_view(large.SerializeAsString()));
  EXPECT_EQ(sockets.frames[id].size(), told + 1);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_INTERNAL);
}

TEST_F(GatewayTest, EventsThatFitIntoNoFrameAreToldByTheirHead) {
  const ConnectionId id = sign_in("ann");
  SessionFanout fanout(registry, bus, "g");
  fanout.to_user(UserId::of("ann"), event(limits::frame_bytes_max, 7));
  ASSERT_TRUE(last(id).has_head_push());
  EXPECT_EQ(last(id).head_push().last_seq(), 7U);
  // An answer that was written piece by piece, so that no code has measured it.
  Push piecewise = event(10, 8);
  piecewise.frame = std::make_shared<const std::string>(limits::frame_bytes_max + 1, 'x');
  fanout.to_user(UserId::of("ann"), piecewise);
  EXPECT_EQ(last(id).head_push().last_seq(), 8U);
}

TEST_F(GatewayTest, AnAnswerMayComeAsBytesAndWaitsLikeOthers) {
  const ConnectionId id = sign_in("ann");
  v1::ServerFrame ack;
  ack.mutable_ack()->set_session_expires_ms(5);
  say(id, request());
  pending[0](ack.SerializeAsString());
  EXPECT_EQ(last(id).reply_to(), 9U);
  EXPECT_EQ(last(id).ack().session_expires_ms(), 5U);
  v1::ClientFrame unasked = request();
  unasked.set_req_id(0);
  say(id, unasked);
  const std::size_t before = sockets.frames[id].size();
  pending[1](ack.SerializeAsString());
  EXPECT_EQ(sockets.frames[id].size(), before) << "no reply wanted";
  say(id, request());
  sockets.held[id] = limits::write_ahead_bytes;
  pending[2](ack.SerializeAsString());
  EXPECT_EQ(sockets.frames[id].size(), before);
  sockets.held[id] = 0;
  gateway.on_drained(id);
  EXPECT_EQ(sockets.frames[id].size(), before + 1);
  EXPECT_EQ(last(id).reply_to(), 9U);
}

TEST_F(GatewayTest, ARequestIsTheSameHoweverItIsWritten) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame frame;
  frame.set_req_id(7);
  frame.mutable_send()->set_conversation_id(kRoom);
  frame.mutable_send()->add_items();
  v1::Content content;
  content.mutable_plain()->set_text("hi");
  frame.mutable_send()->mutable_items(0)->set_content(content.SerializeAsString());
  frame.mutable_send()->mutable_items(0)->set_message_id(
      UuidGenerator(loop.clock(), random).next().bytes());
  const std::string usual = *encode(frame);
  const std::string newer("\xea\x03\x01x", 4);  // a field that nobody here knows
  for (const std::string& bytes : {usual, usual + newer}) {
    gateway.on_message(id, bytes);
    ASSERT_FALSE(often.empty());
    EXPECT_EQ(often.back().kind, RequestView::Kind::kSend);
    EXPECT_EQ(often.back().conversation, kRoom);
    EXPECT_EQ(often.back().req_id, 7U);
    reply_ack(pending.back());
    EXPECT_EQ(last(id).reply_to(), 7U);
  }
  EXPECT_EQ(often.size(), 2U);
  frame.mutable_send()->clear_conversation_id();
  for (const std::string& bytes : {*encode(frame), *encode(frame) + newer}) {
    gateway.on_message(id, bytes);
    EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(often.size(), 2U);
}

TEST_F(GatewayTest, SendsCostWhatTheyHoldAndAcksNothing) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame frame;
  frame.set_req_id(7);
  frame.mutable_send()->set_conversation_id(kRoom);
  UuidGenerator ids(loop.clock(), random);
  v1::Content content;
  content.mutable_plain()->set_text("hi");
  for (int i = 0; i < 2; ++i) {
    auto* item = frame.mutable_send()->add_items();
    item->set_message_id(ids.next().bytes());
    item->set_content(content.SerializeAsString());
  }
  for (std::size_t i = 0; i < limits::unacked_items_max / 2; ++i) say(id, frame);
  EXPECT_EQ(pending.size(), limits::unacked_items_max / 2);
  say(id, frame);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_RATE_LIMITED);
  v1::ClientFrame ack;
  ack.mutable_ack_events()->add_upto()->set_conversation_id(kRoom);
  for (int i = 0; i < 10'000; ++i) say(id, ack);
  EXPECT_EQ(often.size(), limits::unacked_items_max / 2 + 10'000);
  EXPECT_EQ(pending.size(), limits::unacked_items_max / 2) << "an AckEvents has no answer";
}

TEST_F(GatewayTest, CommandsWaitingForTheirAnswerAreBounded) {
  const ConnectionId id = sign_in("ann");
  for (std::size_t i = 0; i < limits::unacked_items_max; ++i) say(id, request());
  say(id, request());
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_RATE_LIMITED);
  EXPECT_GT(last(id).error().retry_after_ms(), 0U);
  EXPECT_EQ(pending.size(), limits::unacked_items_max);
  reply_ack(pending[0]);
  say(id, request());
  EXPECT_EQ(pending.size(), limits::unacked_items_max + 1);
}

// a reader that stops stays within the bound, gets heads when it returns, and is cut when it
// does not.
TEST_F(GatewayTest, ASlowReaderLagsWithinTheBoundAndCatchesUp) {
  const ConnectionId id = sign_in("ann");
  SessionFanout fanout(registry, bus, "g");
  sockets.stuck[id] = true;
  for (std::uint64_t seq = 1; seq <= 2'000; ++seq) {
    fanout.to_user(UserId::of("ann"), event(4'000, seq));
    std::map<std::string, std::uint64_t> stats;
    gateway.add_stats(stats);
    ASSERT_LE(stats["send_queue_bytes"], options.send_queue_hard_bytes);
  }
  sockets.stuck[id] = false;
  sockets.held[id] = 0;
  gateway.on_drained(id);
  ASSERT_TRUE(last(id).has_head_push());
  EXPECT_EQ(last(id).head_push().last_seq(), 2'000U);
  v1::ClientFrame ping;
  ping.mutable_ping()->set_t(1);
  say(id, ping);
  EXPECT_TRUE(last(id).pong().resync());
}

TEST_F(GatewayTest, ASlowReaderIsCutAfterTheLimit) {
  const ConnectionId id = sign_in("ann");
  SessionFanout fanout(registry, bus, "g");
  sockets.stuck[id] = true;
  for (std::uint64_t seq = 1; seq <= 400; ++seq) {
    fanout.to_user(UserId::of("ann"), event(4'000, seq));
  }
  loop.advance(29s);
  EXPECT_EQ(closed(id), 0);
  loop.advance(3s);
  EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_SLOW_CONSUMER);
}

// goodbyes are spread over the window, each with a time to come back.
TEST_F(GatewayTest, DrainSpreadsGoodbyesEvenly) {
  std::vector<ConnectionId> ids;
  for (std::uint8_t n = 0; n < 100; ++n) ids.push_back(sign_in("u" + std::to_string(n), n));
  bool done = false;
  gateway.drain(10s, [&] { done = true; });
  const auto gone = [&] {
    return static_cast<int>(
        std::count_if(ids.begin(), ids.end(), [&](ConnectionId id) { return closed(id) == 1012; }));
  };
  loop.advance(2'500ms);
  EXPECT_NEAR(gone(), 25, 2);
  loop.advance(2'500ms);
  EXPECT_NEAR(gone(), 50, 2);
  EXPECT_FALSE(done);
  loop.advance(5'100ms);
  EXPECT_EQ(gone(), 100);
  EXPECT_TRUE(done);
  for (const ConnectionId id : ids) EXPECT_LE(last(id).goodbye().retry_after_ms(), 10'000U);
  const ConnectionId late = open();
  EXPECT_EQ(closed(late), 1012);
}

// --- budgets ---

TEST_F(GatewayTest, AnAccountHasOneBudgetOnAllOfItsDevicesAndConnections) {
  v1::ClientFrame ask;
  ask.set_req_id(5);
  ask.mutable_update_profile()->set_display_name("x");  // 5 units of 200
  std::size_t done = 0;
  for (int round = 0; round < 100; ++round) {
    const ConnectionId id = sign_in("ann", static_cast<std::uint8_t>(1 + round % 5));
    for (int i = 0; i < 20; ++i) say(id, ask);
    done += pending.size();
    pending.clear();
    if (round % 3 == 0) gateway.on_close(id);
  }
  EXPECT_EQ(done, 40U);
  const ConnectionId bob = sign_in("bob");
  say(bob, ask);
  EXPECT_EQ(pending.size(), 1U);
}

TEST_F(GatewayTest, ATimeThatIsToldIsTrue) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame ask = request();
  while (!last(id).has_error()) {
    say(id, ask);
    for (const Reply& reply : pending) reply_ack(reply);
    if (!pending.empty()) pending.clear();
  }
  const std::uint32_t wait = last(id).error().retry_after_ms();
  ASSERT_GT(wait, 1U);
  loop.advance(Millis(wait - 1));
  say(id, ask);
  EXPECT_TRUE(pending.empty());
  loop.advance(1ms);
  say(id, ask);
  EXPECT_EQ(pending.size(), 1U);
}

TEST_F(GatewayTest, WhoGoesOnAboveTheBudgetIsSentAway) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame ping;
  ping.set_req_id(3);
  ping.mutable_ping()->set_t(1);
  for (int i = 0; i < 5'000 && closed(id) == 0; ++i) say(id, ping);
  EXPECT_EQ(closed(id), 1008);
  EXPECT_EQ(last(id).goodbye().reason(), v1::GOODBYE_REASON_RATE_LIMITED);
  EXPECT_GT(last(id).goodbye().retry_after_ms(), 0U);
  const ConnectionId again = sign_in("ann");
  for (int i = 0; i < 10; ++i) say(again, ping);
  EXPECT_EQ(closed(again), 1008) << "a new connection is no new budget";
  loop.advance(60s);
  const ConnectionId later = sign_in("ann");
  for (int i = 0; i < 100; ++i) say(later, ping);
  EXPECT_EQ(closed(later), 0);
}

TEST_F(GatewayTest, ARefusedRequestCostsWhatReadingItTook) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame wrong;
  wrong.set_req_id(4);
  for (int i = 0; i < 3'000; ++i)
    wrong.mutable_create_conversation()->add_members("0123456789abcdef");
  int read = 0;
  for (int i = 0; i < 2'000 && closed(id) == 0; ++i) {
    say(id, wrong);
    read += last(id).error().code() == v1::ERROR_CODE_INVALID_ARGUMENT ? 1 : 0;
  }
  EXPECT_GT(read, 10);
  EXPECT_LT(read, 50);
  EXPECT_EQ(closed(id), 1008);
}

TEST_F(GatewayTest, LookupsCountByWhatTheyAskFor) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame ask;
  ask.set_req_id(6);
  for (int i = 0; i < 100; ++i) ask.mutable_get_users()->add_handles("name" + std::to_string(i));
  for (int i = 0; i < 100; ++i) say(id, ask);
  EXPECT_EQ(pending.size(), limits::account_lookups_burst / 100);
  EXPECT_EQ(last(id).error().code(), v1::ERROR_CODE_RATE_LIMITED);
}

// No acknowledgement is dropped: a client that sends too many is not read for a while.
TEST_F(GatewayTest, WhoeverWatchesPeopleLooksThemUp) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame watch;
  for (int i = 0; i < 128; ++i)
    watch.mutable_presence_subscribe()->add_add(UserId::of(std::to_string(i)).bytes());
  int asked = 0;
  while (!sockets.paused[id] && asked < 100) {
    say(id, watch);
    ++asked;
    loop.advance(300ms);
  }
  EXPECT_GT(asked, 15) << "as many as there are for a device that comes back";
  EXPECT_LT(asked, 30);
  loop.advance(10s);
  EXPECT_FALSE(sockets.paused[id]) << "paid for";
}

TEST_F(GatewayTest, JunkAcknowledgementsAreHeardLater) {
  const ConnectionId id = sign_in("ann");
  v1::ClientFrame ack;
  for (int i = 0; i < 2'000; ++i) ack.mutable_ack_events()->add_upto()->set_conversation_id(kRoom);
  std::size_t said = 0;
  while (!sockets.paused[id] && said < 1'000) {
    say(id, ack);
    ++said;
  }
  EXPECT_LE(said, 21U);
  EXPECT_EQ(often.size(), said);
  EXPECT_EQ(closed(id), 0);
  loop.advance(30s);
  EXPECT_FALSE(sockets.paused[id]);
}

TEST_F(GatewayTest, PasswordsAreGuessedSlowlyAndTheOwnerComesIn) {
  say(open("198.51.100.1"), registration(1, "ann"));
  v1::ClientFrame guess;
  guess.set_req_id(2);
  guess.mutable_sign_in()->set_handle("ann");
  guess.mutable_sign_in()->set_password("incorrect horse");
  guess.mutable_sign_in()->set_device_id(device(9).bytes());
  for (int i = 0; i < 100; ++i) {
    const ConnectionId id = open();
    for (int k = 0; k < 8; ++k) say(id, guess);
    loop.advance(100ms);
  }
  EXPECT_LE(passwords.verified, 9) << "10 s of guessing from one address";
  guess.mutable_sign_in()->set_password("correct horse");
  ConnectionId owner = open("203.0.113.5");
  say(owner, guess);
  EXPECT_TRUE(last(owner).has_signed_in()) << "from elsewhere";
  guess.mutable_sign_in()->set_device_id(device(1).bytes());
  owner = open();
  say(owner, guess);
  EXPECT_TRUE(last(owner).has_signed_in())
      << "from the same address, with a device that the account knows";
  owner = open();
  guess.mutable_sign_in()->set_device_id(device(8).bytes());
  say(owner, guess);
  EXPECT_TRUE(sockets.frames[owner].empty()) << "who is refused waits for it";
  loop.advance(limits::refused_entry_delay);
  EXPECT_EQ(last(owner).error().code(), v1::ERROR_CODE_RATE_LIMITED);
  EXPECT_GT(last(owner).error().retry_after_ms(), 0U);
  loop.advance(Millis(last(owner).error().retry_after_ms()));
  say(owner, guess);
  EXPECT_TRUE(last(owner).has_signed_in());
}

// A connection of a device may come late, by way of a process that stood still.
TEST_F(GatewayTest, AConnectionWithALowerNumberDoesNotReplaceTheLiveOne) {
  v1::ClientFrame late = hello(1, token("ann"));
  v1::ClientFrame live = hello(1, token("ann"));
  late.mutable_hello()->set_connect_no(7);
  live.mutable_hello()->set_connect_no(8);
  const ConnectionId first = open();
  say(first, live);
  const ConnectionId second = open();
  say(second, late);
  EXPECT_EQ(last(second).error().code(), v1::ERROR_CODE_UNAVAILABLE);
  EXPECT_EQ(closed(second), 0) << "the device may have lost count: it comes again";
  EXPECT_EQ(closed(first), 0);
  gateway.on_close(first);
  say(second, late);
  EXPECT_TRUE(last(second).has_welcome());
  const ConnectionId fourth = open();
  say(fourth, live);
  EXPECT_EQ(closed(second), close_code::kReplaced);
  const ConnectionId third = open();
  say(third, hello(1, token("ann")));  // one that does not count
  EXPECT_EQ(closed(fourth), close_code::kReplaced);
}

TEST_F(GatewayTest, RegistrationsOfOneAddressAreBounded) {
  std::size_t made = 0;
  for (int i = 0; i < 300; ++i) {
    const ConnectionId id = open();
    say(id, registration(1, "spam" + std::to_string(i)));
    made += last(id).has_signed_in() ? 1 : 0;
  }
  EXPECT_EQ(made, limits::address_registrations_burst);
}

TEST_F(GatewayTest, RefusedTokensAreAnsweredLateAndEndTheConnection) {
  ConnectionId id{};
  for (std::uint32_t i = 0; i <= limits::address_failures_burst; ++i) {
    id = open();
    say(id, hello(1, "no token"));
  }
  EXPECT_TRUE(sockets.frames[id].empty());
  loop.advance(limits::refused_entry_delay);
  EXPECT_EQ(sockets.frames[id].front().error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(closed(id), 1008);
  sign_in("ann");  // of the same address, with a good one
}

TEST_F(GatewayTest, AnAccountHasBoundedSessions) {
  std::vector<ConnectionId> ids;
  for (std::size_t n = 0; n < limits::account_devices_max; ++n) {
    ids.push_back(sign_in("ann", static_cast<std::uint8_t>(n)));
    loop.advance(10ms);
  }
  v1::ClientFrame ping;
  ping.mutable_ping()->set_t(1);
  say(ids[0], ping);
  sign_in("ann", 200);
  EXPECT_EQ(closed(ids[0]), 0);
  EXPECT_EQ(closed(ids[1]), 1008) << "the one that was silent the longest";
  sign_in("bob", 1);
}

}  // namespace
}  // namespace kith::server
