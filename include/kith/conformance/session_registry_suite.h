// SessionRegistrySuite tests that a SessionRegistry keeps its contract. A factory:
//   std::unique_ptr<SessionRegistry> open();
//   DrainedScheduler& scheduler();  // the loop on which callbacks run
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/core/limits.h"
#include "kith/server/ports/session_registry.h"

namespace kith::server::conformance {

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

TYPED_TEST_P(SessionRegistrySuite, ALookupSeesWhatCameBeforeItAndIsAnsweredInItsTurn) {
  std::vector<std::size_t> found;
  for (std::size_t i = 1; i <= limits::account_devices_max; ++i) {
    this->registry_->add(this->ann_, {"g1", i, id_of<DeviceId>(1)});
    this->registry_->lookup(this->ann_, [&](Result<std::vector<SessionRef>> sessions) {
      ASSERT_TRUE(sessions.ok());
      found.push_back(sessions->size());
    });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until(
      [&] { return found.size() == limits::account_devices_max; }));
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], i + 1);
}

TYPED_TEST_P(SessionRegistrySuite, NoCallbackComesAfterDestruction) {
  this->registry_->add(this->ann_, this->first_);
  std::size_t answered = 0;
  this->registry_->lookup(this->ann_, [&](const Result<std::vector<SessionRef>>&) { ++answered; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->registry_, answered);
}

REGISTER_TYPED_TEST_SUITE_P(SessionRegistrySuite, FindsWhatWasAddedOnce,
                            ALateRemovalDoesNotRemoveANewerSession, ForgetsAGateway,
                            ALookupSeesWhatCameBeforeItAndIsAnsweredInItsTurn,
                            NoCallbackComesAfterDestruction);

}  // namespace kith::server::conformance
