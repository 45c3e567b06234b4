// What every Bus must do. A factory: std::unique_ptr<Bus> open();   DrainedScheduler& scheduler();
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kith/server/ports/bus.h"
#include "tests/conformance/drained_scheduler.h"

namespace kith::server {

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
  this->bus_->subscribe("g1", [&](const Delivery& d) {
    got.push_back(d.sessions.at(0));
    EXPECT_EQ(*d.frame, "frame");
    EXPECT_EQ(d.cls, DeliveryClass::kReceipt);
  });
  this->bus_->subscribe("g2", [&](const Delivery&) { ++elsewhere; });
  for (std::uint64_t i = 1; i <= 50; ++i) this->bus_->publish("g1", this->delivery(i));
  this->bus_->publish("unknown", this->delivery(99));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got.size() == 50; }));
  for (std::uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(got[i - 1], i);
  EXPECT_EQ(elsewhere, 0u);
}

TYPED_TEST_P(BusSuite, AHandlerMayUnsubscribeItself) {
  std::size_t got = 0;
  this->bus_->subscribe("g1", [&](const Delivery&) {
    this->bus_->unsubscribe("g1");
    ++got;
  });
  this->bus_->publish("g1", this->delivery(1));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return got == 1; }));
  bool other = false;
  this->bus_->subscribe("g2", [&](const Delivery&) { other = true; });
  this->bus_->publish("g1", this->delivery(2));
  this->bus_->publish("g2", this->delivery(3));
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return other; }));
  EXPECT_EQ(got, 1u);
}

REGISTER_TYPED_TEST_SUITE_P(BusSuite, DeliversInOrderToTheRightGateway,
                            AHandlerMayUnsubscribeItself);

}  // namespace kith::server
