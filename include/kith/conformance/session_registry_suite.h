// SessionRegistrySuite tests that a SessionRegistry keeps its contract. A factory:
//   std::unique_ptr<SessionRegistry> open();
//   DrainedScheduler& scheduler();  // the loop on which callbacks run
//   void lose_all(SessionRegistry&);  // its sessions are lost, as the engine may lose them
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
  void add(const UserId& user, const SessionRef& session) {
    EXPECT_TRUE(answer_of<void>(factory_.scheduler(), [&](auto done) {
                  registry_->add(user, session, std::move(done));
                }).ok());
  }
  std::vector<SessionRef> lookup(const UserId& user) {
    auto found = answer_of<std::vector<SessionRef>>(factory_.scheduler(), [&](auto done) {
                   registry_->lookup(user, std::move(done));
                 }).value();
    const auto* cached = registry_->cached(user);
    EXPECT_TRUE(cached == nullptr || *cached == found);
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
  this->add(this->ann_, this->first_);
  this->add(this->ann_, this->first_);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->first_});
  EXPECT_TRUE(this->lookup(UserId::of("bob")).empty());
}

TYPED_TEST_P(SessionRegistrySuite, ALateRemovalDoesNotRemoveANewerSession) {
  this->add(this->ann_, this->first_);
  this->add(this->ann_, this->second_);
  this->registry_->remove(this->ann_, this->first_);
  this->registry_->remove(this->ann_, this->first_);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->second_});
}

TYPED_TEST_P(SessionRegistrySuite, ForgetsAGateway) {
  this->add(this->ann_, this->first_);
  this->add(this->ann_, this->second_);
  this->add(UserId::of("bob"), this->first_);
  this->registry_->remove_gateway("g1");
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->second_});
  EXPECT_TRUE(this->lookup(UserId::of("bob")).empty());
}

TYPED_TEST_P(SessionRegistrySuite, ALookupSeesWhatCameBeforeItAndIsAnsweredInItsTurn) {
  std::vector<std::size_t> found;
  for (std::size_t i = 1; i <= limits::account_devices_max; ++i) {
    this->add(this->ann_, {"g1", i, id_of<DeviceId>(1)});
    this->registry_->lookup(this->ann_, [&](Result<std::vector<SessionRef>> sessions) {
      ASSERT_TRUE(sessions.ok());
      found.push_back(sessions->size());
    });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until(
      [&] { return found.size() == limits::account_devices_max; }));
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], i + 1);
}

TYPED_TEST_P(SessionRegistrySuite, AnAddIsAnsweredOnceAndEndsWithItsRemoval) {
  std::size_t answered = 0;
  this->registry_->add(this->ann_, this->first_, [&](const Result<void>&) { ++answered; });
  this->registry_->remove(this->ann_, this->first_);  // perhaps before it is answered
  this->add(this->ann_, this->second_);
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answered > 0; }));
  drain(this->factory_.scheduler());
  EXPECT_EQ(answered, 1u);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->second_});
}

TYPED_TEST_P(SessionRegistrySuite, ALossIsToldAndWhatIsSaidAfterItIsNotEverything) {
  std::size_t lost = 0;
  auto& loop = this->factory_.scheduler();
  this->registry_->add_gateway("g1", [&] { ++lost; });
  EXPECT_FALSE(this->registry_->complete()) << "it has begun anew";
  ASSERT_TRUE(loop.run_until([&] { return this->registry_->complete(); }));
  this->add(this->ann_, this->first_);
  EXPECT_EQ(lost, 0u);
  this->factory_.lose_all(*this->registry_);
  ASSERT_TRUE(loop.run_until([&] { return lost > 0; }));
  EXPECT_FALSE(this->registry_->complete());
  EXPECT_TRUE(this->lookup(this->ann_).empty());
  this->add(this->ann_, this->first_);
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->first_});
  EXPECT_FALSE(this->registry_->complete()) << "others may still be missing";
  ASSERT_TRUE(loop.run_until([&] { return this->registry_->complete(); }));
  EXPECT_EQ(this->lookup(this->ann_), std::vector<SessionRef>{this->first_});
}

TYPED_TEST_P(SessionRegistrySuite, AGatewayThatHasEndedHearsNothing) {
  std::size_t lost = 0;
  std::size_t others = 0;
  this->registry_->add_gateway("g1", [&] {
    ++lost;
    this->registry_->remove_gateway("g1");
  });
  this->registry_->add_gateway("g2", [&] { ++others; });
  this->factory_.lose_all(*this->registry_);
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return lost > 0 && others > 0; }));
  lost = others = 0;
  this->factory_.lose_all(*this->registry_);
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return others > 0; }));
  EXPECT_EQ(lost, 0u);
}

TYPED_TEST_P(SessionRegistrySuite, NoAnswerToAnAddComesAfterDestruction) {
  std::size_t answered = 0;
  this->registry_->add(this->ann_, this->first_, [&](const Result<void>&) { ++answered; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->registry_, answered);
}

TYPED_TEST_P(SessionRegistrySuite, NoCallbackComesAfterDestruction) {
  this->add(this->ann_, this->first_);
  std::size_t answered = 0;
  this->registry_->lookup(this->ann_, [&](const Result<std::vector<SessionRef>>&) { ++answered; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->registry_, answered);
}

REGISTER_TYPED_TEST_SUITE_P(SessionRegistrySuite, FindsWhatWasAddedOnce,
                            ALateRemovalDoesNotRemoveANewerSession, ForgetsAGateway,
                            ALookupSeesWhatCameBeforeItAndIsAnsweredInItsTurn,
                            AnAddIsAnsweredOnceAndEndsWithItsRemoval,
                            ALossIsToldAndWhatIsSaidAfterItIsNotEverything,
                            AGatewayThatHasEndedHearsNothing, NoAnswerToAnAddComesAfterDestruction,
                            NoCallbackComesAfterDestruction);

}  // namespace kith::server::conformance
