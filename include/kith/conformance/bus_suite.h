// BusSuite tests that a Bus keeps its contract. A factory:
//   std::unique_ptr<Bus> open();
//   DrainedScheduler& scheduler();  // the loop on which handlers run
//   void lose(Bus&, const std::string& gateway);  // a delivery to the gateway is lost, as the engine may lose one
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/core/limits.h"
#include "kith/server/ports/bus.h"

namespace kith::server::conformance {

template <class Factory>
class BusSuite : public testing::Test {
 protected:
  static Delivery delivery(std::uint64_t session) {
    Delivery d;
    d.sessions = {session};
    d.frame = std::make_shared<const std::string>("frame");
    d.cls = DeliveryClass::kReceipt;
    return d;
  }
  Factory factory_;
  std::unique_ptr<Bus> bus_ = factory_.open();
};

TYPED_TEST_SUITE_P(BusSuite);

TYPED_TEST_P(BusSuite, DeliversInOrderToTheRightGateway) {
  std::vector<std::uint64_t> got;
  std::size_t elsewhere = 0;
  this->bus_->subscribe(
      "g1",
      [&](const Delivery& d) {
        got.push_back(d.sessions.at(0));
        EXPECT_EQ(*d.frame, "frame");
        EXPECT_EQ(d.redacted, nullptr) << "the same for all";
        EXPECT_EQ(d.cls, DeliveryClass::kReceipt);
      },
      [] {});
  this->bus_->subscribe(
      "g2", [&](const Delivery&) { ++elsewhere; }, [] {});
  for (std::uint64_t i = 1; i <= 50; ++i) this->bus_->publish("g1", this->delivery(i));
  this->bus_->publish("unknown", this->delivery(99));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got.size() == 50; }));
  for (std::uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(got[i - 1], i);
  EXPECT_EQ(elsewhere, 0u);
}

TYPED_TEST_P(BusSuite, AHandlerMayUnsubscribeItself) {
  std::size_t got = 0;
  this->bus_->subscribe(
      "g1",
      [&](const Delivery&) {
        this->bus_->unsubscribe("g1");
        ++got;
      },
      [] {});
  for (const std::uint64_t session : {1, 2}) this->bus_->publish("g1", this->delivery(session));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got == 1; }));
  bool other = false;
  this->bus_->subscribe(
      "g2", [&](const Delivery&) { other = true; }, [] {});
  this->bus_->publish("g1", this->delivery(3));
  this->bus_->publish("g2", this->delivery(3));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return other; }));
  EXPECT_EQ(got, 1u);
}

TYPED_TEST_P(BusSuite, EverythingOfADeliveryArrivesOnTheLoop) {
  std::vector<Delivery> got;
  const auto loop = std::this_thread::get_id();
  this->bus_->subscribe(
      "g1",
      [&](const Delivery& d) {
        EXPECT_EQ(std::this_thread::get_id(), loop);
        got.push_back(d);
      },
      [] {});
  Delivery sent;
  sent.sessions = {7, 8, 9};
  sent.frame = std::make_shared<const std::string>(limits::frame_bytes_max, '\0');
  sent.redacted = std::make_shared<const std::string>("without");
  sent.cls = DeliveryClass::kEvent;
  sent.conversation = id_of<ConversationId>(3);
  sent.last_seq = 5;
  sent.ordinal = 4;
  this->bus_->publish("g1", sent);
  const Delivery wanted = sent;
  sent = Delivery();  // the caller's again
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return !got.empty(); }));
  drain(this->factory_.scheduler());
  ASSERT_EQ(got.size(), 1u) << "at most once";
  EXPECT_EQ(got[0].sessions, wanted.sessions);
  ASSERT_NE(got[0].frame, nullptr);
  EXPECT_EQ(*got[0].frame, *wanted.frame);
  ASSERT_NE(got[0].redacted, nullptr);
  EXPECT_EQ(*got[0].redacted, *wanted.redacted);
  EXPECT_EQ(got[0].cls, wanted.cls);
  EXPECT_EQ(got[0].conversation, wanted.conversation);
  EXPECT_EQ(got[0].last_seq, wanted.last_seq);
  EXPECT_EQ(got[0].ordinal, wanted.ordinal);
}

TYPED_TEST_P(BusSuite, NoHandlerRunsAfterDestruction) {
  std::size_t got = 0;
  this->bus_->subscribe(
      "g1", [&](const Delivery&) { ++got; }, [&] { ++got; });
  this->bus_->publish("g1", this->delivery(1));
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->bus_, got);
}

TYPED_TEST_P(BusSuite, ALossIsToldToWhomItMayConcern) {
  std::size_t got = 0;
  std::size_t lost = 0;
  const auto loop = std::this_thread::get_id();
  const auto hear = [&] {
    this->bus_->subscribe(
        "g1", [&](const Delivery&) { ++got; },
        [&] {
          EXPECT_EQ(std::this_thread::get_id(), loop);
          ++lost;
        });
  };
  hear();
  for (std::uint64_t i = 1; i <= 50; ++i) this->bus_->publish("g1", this->delivery(i));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got == 50; }));
  drain(this->factory_.scheduler());
  EXPECT_EQ(lost, 0u) << "nothing is missing";
  this->factory_.lose(*this->bus_, "g1");
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return lost > 0; }));
  const std::size_t before = got;
  this->bus_->publish("g1", this->delivery(51));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got > before; })) << "it goes on";
  this->bus_->unsubscribe("g1");
  lost = 0;
  this->factory_.lose(*this->bus_, "g1");
  drain(this->factory_.scheduler());
  EXPECT_EQ(lost, 0u) << "nobody listens any more";
}

// More than a slow reader can be given.
TYPED_TEST_P(BusSuite, OfAFloodEverythingArrivesOrIsSaidToBeLost) {
  constexpr std::size_t kFlood = 200'000;
  std::size_t got = 0;
  std::size_t lost = 0;
  std::uint64_t newest = 0;
  this->bus_->subscribe(
      "g1",
      [&](const Delivery& d) {
        EXPECT_GT(d.sessions.at(0), newest) << "in order";
        newest = d.sessions.at(0);
        ++got;
      },
      [&] { ++lost; });
  for (std::uint64_t i = 1; i <= kFlood; ++i) this->bus_->publish("g1", this->delivery(i));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return newest == kFlood; }))
      << "the oldest are dropped, not the newest";
  if (got == kFlood) return;
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return lost > 0; }));
}

REGISTER_TYPED_TEST_SUITE_P(BusSuite, DeliversInOrderToTheRightGateway,
                            AHandlerMayUnsubscribeItself, EverythingOfADeliveryArrivesOnTheLoop,
                            NoHandlerRunsAfterDestruction, ALossIsToldToWhomItMayConcern,
                            OfAFloodEverythingArrivesOrIsSaidToBeLost);

}  // namespace kith::server::conformance
