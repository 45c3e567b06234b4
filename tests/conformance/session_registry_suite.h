// What every SessionRegistry must do. A factory: std::unique_ptr<SessionRegistry> open();
// DrainedScheduler& scheduler();
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kith/server/ports/session_registry.h"
#include "tests/conformance/drained_scheduler.h"

namespace kith::server {

template <class Factory>
class SessionRegistrySuite : public testing::Test {
 protected:
  std::vector<SessionRef> lookup(const UserId& user) {
    auto found = answer_of<std::vector<SessionRef>>(factory_.scheduler(), [&](auto done) {
                   registry_->lookup(user, std::move(done));
                 }).value();
    const auto* at_hand = registry_->at_hand(user);
    EXPECT_TRUE(at_hand == nullptr || *at_hand == found);
    return found;
  }
  const UserId ann_ = UserId::of("ann");
  const SessionRef first_{"g1", 1, id_of<DeviceId>(1)};
  const SessionRef second_{"g2", 2, id_of<DeviceId>(1)};  // the same device, connected again

  Factory factory_;
  std::unique_ptr<SessionRegistry> registry_ = factory_.open();
};

TYPED_TEST_SUITE_P(SessionRegistrySuite);

TYPED_TEST_P(SessionRegistrySuite, FindsWhatWasAddedOnce) {
  EXPECT_TRUE(this->lookup(this->ann_).empty());
  this->registry_->add(this->ann_, this->first_);
  this->registry_->add(this->ann_, this->first_);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->first_});
  EXPECT_TRUE(this->lookup(UserId::of("bob")).empty());
}

TYPED_TEST_P(SessionRegistrySuite, ALateRemovalDoesNotRemoveANewerSession) {
  this->registry_->add(this->ann_, this->first_);
  this->registry_->add(this->ann_, this->second_);
  this->registry_->remove(this->ann_, this->first_);
  this->registry_->remove(this->ann_, this->first_);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->second_});
}

TYPED_TEST_P(SessionRegistrySuite, ForgetsAGateway) {
  this->registry_->add(this->ann_, this->first_);
  this->registry_->add(this->ann_, this->second_);
  this->registry_->add(UserId::of("bob"), this->first_);
  this->registry_->remove_gateway("g1");
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->second_});
  EXPECT_TRUE(this->lookup(UserId::of("bob")).empty());
}

REGISTER_TYPED_TEST_SUITE_P(SessionRegistrySuite, FindsWhatWasAddedOnce,
                            ALateRemovalDoesNotRemoveANewerSession, ForgetsAGateway);

}  // namespace kith::server
