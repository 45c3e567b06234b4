// DirectorySuite tests that a Directory keeps its contract. A factory opens it again and again on the same data:
//   std::unique_ptr<Directory> open();
//   DrainedScheduler& scheduler();  // the loop on which callbacks run
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/core/limits.h"
#include "kith/server/ports/directory.h"

namespace kith::server::conformance {

template <class Factory>
class DirectorySuite : public testing::Test {
 protected:
  const UserId ann_ = UserId::of("ann");

  void SetUp() override { directory_ = factory_.open(); }
  void reopen() {
    directory_.reset();
    directory_ = factory_.open();
  }
  Status create(const std::string& handle, const std::string& hash = "h") {
    return answer_of<void>(factory_.scheduler(), [&](auto done) {
      directory_->create({handle, handle + " display", hash}, std::move(done));
    });
  }
  Result<UserRecord> update(const UserId& id, const UserChange& change) {
    return answer_of<UserRecord>(
        factory_.scheduler(), [&](auto done) { directory_->update(id, change, std::move(done)); });
  }
  std::optional<UserRecord> load(const UserId& id) {
    return answer_of<std::optional<UserRecord>>(
               factory_.scheduler(), [&](auto done) { directory_->load(id, std::move(done)); })
        .value();
  }
  Result<std::string> hash(const UserId& id) {
    return answer_of<std::string>(
        factory_.scheduler(), [&](auto done) { directory_->password_hash(id, std::move(done)); });
  }
  Status put_device(const UserId& id, const DeviceRecord& device) {
    return answer_of<void>(factory_.scheduler(),
                           [&](auto done) { directory_->put_device(id, device, std::move(done)); });
  }

  Result<SignInRecord> admit(const NewUser& user, const DeviceRecord& device) {
    return answer_of<SignInRecord>(
        factory_.scheduler(), [&](auto done) { directory_->admit(user, device, std::move(done)); });
  }
  Status remove(const UserId& id) {
    return answer_of<void>(factory_.scheduler(),
                           [&](auto done) { directory_->remove(id, std::move(done)); });
  }
  std::vector<UserId> leaving(std::size_t limit = 100) {
    return answer_of<std::vector<UserId>>(
               factory_.scheduler(),
               [&](auto done) { directory_->leaving(limit, std::move(done)); })
        .value();
  }
  std::vector<DeviceRecord> devices(const UserId& id) {
    return answer_of<std::vector<DeviceRecord>>(
               factory_.scheduler(), [&](auto done) { directory_->devices(id, std::move(done)); })
        .value();
  }

  Factory factory_;
  std::unique_ptr<Directory> directory_;
};

TYPED_TEST_SUITE_P(DirectorySuite);

TYPED_TEST_P(DirectorySuite, AHandleIsTakenOnce) {
  ASSERT_TRUE(this->create("ann", "first").ok());
  const auto again = this->create("ann", "second");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  this->reopen();
  const auto loaded = this->load(this->ann_);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->id, this->ann_);
  EXPECT_EQ(loaded->handle, "ann");
  EXPECT_EQ(loaded->display_name, "ann display");
  EXPECT_EQ(loaded->privacy, PrivacySettings{});
  EXPECT_EQ(this->hash(this->ann_).value(), "first");
}

TYPED_TEST_P(DirectorySuite, NobodyIsNotFound) {
  EXPECT_FALSE(this->load(this->ann_).has_value());
  EXPECT_EQ(this->hash(this->ann_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->update(this->ann_, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->put_device(this->ann_, {}).error().code, ErrorCode::kNotFound);
}

TYPED_TEST_P(DirectorySuite, ChangesOnlyWhatIsSetAndSurvivesReopening) {
  ASSERT_TRUE(this->create("ann", "").ok());
  UserChange change;
  change.privacy = PrivacySettings{Audience::kNobody, Audience::kContacts, false};
  change.last_seen_ms = 100;
  change.tokens_valid_from_ms = 50;
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  UserChange name;
  name.display_name = "Ann";
  name.last_seen_ms = 90;  // older: merged by max
  name.tokens_valid_from_ms = 40;
  ASSERT_TRUE(this->update(this->ann_, name).ok());
  this->reopen();
  const auto loaded = this->load(this->ann_);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->privacy, *change.privacy);
  EXPECT_EQ(loaded->display_name, "Ann");
  EXPECT_EQ(loaded->last_seen_ms, 100);
  EXPECT_EQ(loaded->tokens_valid_from_ms, 50);
  EXPECT_EQ(this->hash(this->ann_).value(), "");
}

TYPED_TEST_P(DirectorySuite, ContactsAndBlocksAreSortedSets) {
  ASSERT_TRUE(this->create("ann").ok());
  UserChange change;
  change.add_contacts = {id_of<UserId>(3), id_of<UserId>(1), id_of<UserId>(3)};
  change.block = {id_of<UserId>(9), id_of<UserId>(8)};
  for (int i = 0; i < 2; ++i) {  // repeating leaves the same state
    const auto changed = this->update(this->ann_, change);
    ASSERT_TRUE(changed.ok());
    EXPECT_EQ(changed->contacts, (std::vector<UserId>{id_of<UserId>(1), id_of<UserId>(3)}));
  }
  UserChange undo;
  undo.remove_contacts = {id_of<UserId>(1), id_of<UserId>(77)};
  undo.unblock = {id_of<UserId>(8)};
  ASSERT_TRUE(this->update(this->ann_, undo).ok());
  this->reopen();
  EXPECT_EQ(this->load(this->ann_)->contacts, std::vector<UserId>{id_of<UserId>(3)});
  EXPECT_EQ(this->load(this->ann_)->blocked, std::vector<UserId>{id_of<UserId>(9)});
}

TYPED_TEST_P(DirectorySuite, ConsentsAreOfThoseWhoExist) {
  const UserId bob = UserId::of("bob"), cleo = UserId::of("cleo");
  for (const char* handle : {"ann", "bob", "cleo"}) ASSERT_TRUE(this->create(handle).ok());
  UserChange change;
  change.privacy = PrivacySettings{};
  change.privacy->group_adds = Audience::kContacts;
  change.privacy->first_messages = Audience::kNobody;
  change.add_contacts = {bob};
  change.block = {cleo};
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  this->reopen();
  const auto asked_by = [&](const UserId& asker) {
    auto found = answer_of<std::vector<Consent>>(this->factory_.scheduler(), [&](auto done) {
      this->directory_->consents({this->ann_, bob, UserId::of("nobody")}, asker, std::move(done));
    });
    EXPECT_EQ(found->size(), 2u);
    for (const Consent& one : *found) {
      if (one.user == this->ann_) return one;
    }
    return Consent{};
  };
  const Consent to_bob = asked_by(bob), to_cleo = asked_by(cleo);
  EXPECT_EQ(to_bob.privacy, *change.privacy);
  EXPECT_TRUE(to_bob.contact);
  EXPECT_FALSE(to_bob.blocked);
  EXPECT_FALSE(to_cleo.contact);
  EXPECT_TRUE(to_cleo.blocked);
}

TYPED_TEST_P(DirectorySuite, TooManyContactsChangeNothing) {
  ASSERT_TRUE(this->create("ann").ok());
  UserChange change;
  change.display_name = "changed";
  for (std::size_t i = 0; i <= limits::contacts_max; ++i) {
    change.add_contacts.push_back(UserId::of(std::to_string(i)));
  }
  EXPECT_EQ(this->update(this->ann_, change).error().code, ErrorCode::kLimitExceeded);
  EXPECT_TRUE(this->load(this->ann_)->contacts.empty());
  EXPECT_EQ(this->load(this->ann_)->display_name, "ann display");
  std::swap(change.block, change.add_contacts);
  EXPECT_EQ(this->update(this->ann_, change).error().code, ErrorCode::kLimitExceeded);
  EXPECT_TRUE(this->load(this->ann_)->blocked.empty());
  change.block.pop_back();
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  EXPECT_EQ(this->load(this->ann_)->blocked.size(), limits::contacts_max);
}

TYPED_TEST_P(DirectorySuite, NoCallbackComesAfterDestruction) {
  ASSERT_TRUE(this->create("ann").ok());
  std::size_t created = 0;
  this->directory_->create({"bob", "bob display", "h"}, [&](const Status&) { ++created; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->directory_, created);
  this->directory_ = this->factory_.open();
  std::size_t loaded = 0;
  this->directory_->load(this->ann_, [&](const Result<std::optional<UserRecord>>&) { ++loaded; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->directory_, loaded);
}

TYPED_TEST_P(DirectorySuite, ProfilesOfThoseThatExist) {
  ASSERT_TRUE(this->create("ann").ok());
  ASSERT_TRUE(this->create("bob").ok());
  const auto found = answer_of<std::vector<UserRecord>>(this->factory_.scheduler(), [&](auto done) {
    this->directory_->profiles({UserId::of("bob"), UserId::of("nobody"), this->ann_},
                               std::move(done));
  });
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  for (const UserRecord& user : *found) {
    EXPECT_EQ(user.id, UserId::of(user.handle));
    EXPECT_EQ(user.display_name, user.handle + " display");
  }
}

TYPED_TEST_P(DirectorySuite, DevicesAreMerged) {
  ASSERT_TRUE(this->create("ann").ok());
  const auto phone = id_of<DeviceId>(1);
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "phone/1", 100, 0}).ok());
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "", 90, 70}).ok());
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "phone/2", 0, 60}).ok());
  ASSERT_TRUE(this->put_device(this->ann_, {id_of<DeviceId>(2), "desk", 1, 0}).ok());
  this->reopen();
  const auto devices = answer_of<std::vector<DeviceRecord>>(
      this->factory_.scheduler(),
      [&](auto done) { this->directory_->devices(this->ann_, std::move(done)); });
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 2u);
  const DeviceRecord& merged = (*devices)[(*devices)[0].id == phone ? 0 : 1];
  EXPECT_EQ(merged.agent, "phone/2");
  EXPECT_EQ(merged.last_seen_ms, 100);
  EXPECT_EQ(merged.revoked_ms, 71) << "a revocation of its own, by a clock that stepped back";
}

TYPED_TEST_P(DirectorySuite, WhoComesInIsMadeWithTheirDevice) {
  const DeviceRecord phone{id_of<DeviceId>(1), "phone/1", 100, 0};
  const auto arrived = this->admit({"ann", "Ann", ""}, phone);
  ASSERT_TRUE(arrived.ok());
  EXPECT_EQ(arrived->user.id, this->ann_);
  EXPECT_EQ(arrived->user.display_name, "Ann");
  ASSERT_EQ(arrived->devices.size(), 1u);
  EXPECT_EQ(arrived->devices[0].agent, "phone/1");
  this->reopen();
  ASSERT_TRUE(this->load(this->ann_).has_value());
  EXPECT_EQ(this->load(this->ann_)->handle, "ann");
  EXPECT_EQ(this->load(this->ann_)->privacy, PrivacySettings{});
  EXPECT_EQ(this->hash(this->ann_).value(), "");
  ASSERT_EQ(this->devices(this->ann_).size(), 1u);
  EXPECT_EQ(this->devices(this->ann_)[0].id, phone.id);
  EXPECT_EQ(this->devices(this->ann_)[0].last_seen_ms, 100);
}

TYPED_TEST_P(DirectorySuite, WhoIsThereComesInUnchanged) {
  ASSERT_TRUE(this->create("ann", "her hash").ok());
  const DeviceRecord desk{id_of<DeviceId>(2), "desk", 5, 7};
  ASSERT_TRUE(this->put_device(this->ann_, desk).ok());
  UserChange change;
  change.add_contacts = {id_of<UserId>(3)};
  change.tokens_valid_from_ms = 50;
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  for (const auto& device : {DeviceRecord{id_of<DeviceId>(1), "phone", 100, 0},
                             DeviceRecord{id_of<DeviceId>(2), "another", 100, 0}}) {
    const auto arrived = this->admit({"ann", "Somebody else", "another hash"}, device);
    ASSERT_TRUE(arrived.ok());
    EXPECT_EQ(arrived->user.display_name, "ann display");
    EXPECT_EQ(arrived->user.contacts, change.add_contacts);
    EXPECT_EQ(arrived->user.tokens_valid_from_ms, 50);
    ASSERT_EQ(arrived->devices.size(), 1u) << "whether a device comes in is decided later";
    EXPECT_EQ(arrived->devices[0].agent, "desk");
    EXPECT_EQ(arrived->devices[0].revoked_ms, 7);
  }
  this->reopen();
  EXPECT_EQ(this->hash(this->ann_).value(), "her hash");
  EXPECT_EQ(this->devices(this->ann_).size(), 1u);
}

TYPED_TEST_P(DirectorySuite, APasswordIsReplacedOnlyIfItIsTheOneThatWasSeen) {
  ASSERT_TRUE(this->create("ann", "first").ok());
  UserChange change;
  change.password = PasswordChange{"second", "first"};
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  change.password = PasswordChange{"third", "first"};
  change.display_name = "changed";
  EXPECT_EQ(this->update(this->ann_, change).error().code, ErrorCode::kUnauthenticated);
  this->reopen();
  EXPECT_EQ(this->hash(this->ann_).value(), "second");
  EXPECT_EQ(this->load(this->ann_)->display_name, "ann display") << "nothing of it";
  change.password = PasswordChange{"third", std::nullopt};
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  EXPECT_EQ(this->hash(this->ann_).value(), "third");
}

TYPED_TEST_P(DirectorySuite, ARevocationIsOfAllDevicesAndTheirTokens) {
  ASSERT_TRUE(this->create("ann").ok());
  const auto phone = id_of<DeviceId>(1), desk = id_of<DeviceId>(2);
  const std::string kept(16, 'k'), other(16, 'o'), third(16, 't');
  ASSERT_TRUE(
      this->put_device(this->ann_, {phone, "p", 100, 0, 0, {{kept, 90, 900}, {other, 91, 901}}})
          .ok());
  ASSERT_TRUE(this->put_device(this->ann_, {desk, "d", 100, 0, 0, {{third, 92, 0}}}).ok());
  UserChange change;
  change.revoke = Revocation{200, phone, kept};
  const auto changed = this->update(this->ann_, change);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->tokens_valid_from_ms, 201);
  this->reopen();
  const auto found = this->devices(this->ann_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].revoked_ms, 0);
  EXPECT_EQ(found[0].spared_ms, 201);
  EXPECT_EQ(found[0].tokens,
            (std::vector<TokenUse>{{kept, 90, 900, false}, {other, 91, 901, true}}));
  EXPECT_EQ(found[1].revoked_ms, 200);
  EXPECT_EQ(found[1].spared_ms, 0);
  EXPECT_EQ(found[1].tokens, (std::vector<TokenUse>{{third, 92, 0, true}}));
}

TYPED_TEST_P(DirectorySuite, TokensOfADeviceAreAFewAndEndWithIt) {
  ASSERT_TRUE(this->create("ann").ok());
  const auto phone = id_of<DeviceId>(1);
  const auto use = [](std::int64_t n) {
    return TokenUse{std::string(16, static_cast<char>('a' + n)), n, 0};
  };
  for (std::int64_t n = 1; n <= 10; ++n) {
    ASSERT_TRUE(this->put_device(this->ann_, {phone, "p", 100 + n, 0, 0, {use(n)}}).ok());
    ASSERT_TRUE(this->put_device(this->ann_, {phone, "p", 100 + n, 0, 0, {use(n)}}).ok())
        << "again";
  }
  auto found = this->devices(this->ann_);
  ASSERT_EQ(found[0].tokens.size(), limits::device_tokens_max);
  EXPECT_EQ(found[0].tokens_dropped_ms, 2);
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "", 0, 50}).ok());
  // Reported late: it is of an earlier time.
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "p", 111, 0, 0, {use(11)}}).ok());
  ASSERT_TRUE(this->put_device(this->ann_, {phone, "p", 112, 0, 0, {use(60)}}).ok());
  this->reopen();
  found = this->devices(this->ann_);
  ASSERT_EQ(found[0].tokens.size(), limits::device_tokens_max);
  for (const TokenUse& one : found[0].tokens) EXPECT_EQ(one.ended, one.issued_ms <= 50);
}

TYPED_TEST_P(DirectorySuite, ARemovedUserLeavesNothingButItsId) {
  ASSERT_TRUE(this->create("ann", "hash").ok());
  ASSERT_TRUE(this->create("bob", "hash").ok());
  UserChange change;
  change.add_contacts = {id_of<UserId>(3)};
  change.block = {id_of<UserId>(4)};
  change.last_seen_ms = 7;
  ASSERT_TRUE(this->update(this->ann_, change).ok());
  ASSERT_TRUE(this->put_device(this->ann_, {id_of<DeviceId>(1), "phone", 5, 0}).ok());
  EXPECT_TRUE(this->leaving().empty());
  ASSERT_TRUE(this->remove(this->ann_).ok());
  ASSERT_TRUE(this->remove(this->ann_).ok()) << "again";
  EXPECT_EQ(this->remove(UserId::of("nobody")).error().code, ErrorCode::kNotFound);
  this->reopen();
  EXPECT_FALSE(this->load(this->ann_).has_value());
  EXPECT_EQ(this->hash(this->ann_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->update(this->ann_, change).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->put_device(this->ann_, {}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(this->devices(this->ann_).empty());
  EXPECT_EQ(this->create("ann").error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(this->admit({"ann", "Ann", ""}, {id_of<DeviceId>(1), "", 1, 0}).error().code,
            ErrorCode::kRevoked);
  const auto found = answer_of<std::vector<UserRecord>>(this->factory_.scheduler(), [&](auto done) {
    this->directory_->profiles({this->ann_, UserId::of("bob")}, std::move(done));
  });
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  for (const UserRecord& user : *found) {
    EXPECT_EQ(user.deleted, user.id == this->ann_);
    EXPECT_EQ(user.handle, user.deleted ? "" : "bob");
    EXPECT_EQ(user.display_name, user.deleted ? "" : "bob display");
  }
}

TYPED_TEST_P(DirectorySuite, WhoWasRemovedIsLeavingUntilTheyHaveLeft) {
  std::vector<UserId> gone;
  for (const char* handle : {"ann", "bob", "cleo"}) {
    ASSERT_TRUE(this->create(handle).ok());
    ASSERT_TRUE(this->remove(UserId::of(handle)).ok());
    gone.push_back(UserId::of(handle));
  }
  std::sort(gone.begin(), gone.end());
  this->reopen();
  EXPECT_EQ(this->leaving(), gone);
  EXPECT_EQ(this->leaving(2), (std::vector<UserId>{gone[0], gone[1]}));
  const auto left = answer_of<void>(this->factory_.scheduler(), [&](auto done) {
    this->directory_->left(gone[1], std::move(done));
  });
  EXPECT_TRUE(left.ok());
  ASSERT_TRUE(this->remove(gone[1]).ok()) << "it does not begin again";
  this->reopen();
  EXPECT_EQ(this->leaving(), (std::vector<UserId>{gone[0], gone[2]}));
}

TYPED_TEST_P(DirectorySuite, WhatIsAskedAtOnceIsAnsweredInOrderEachForItself) {
  constexpr std::size_t kAsked = 1'000;
  std::vector<Status> answers;
  for (std::size_t i = 0; i < kAsked; ++i) {
    const std::string handle =
        "user" + std::to_string(i % 10 == 9 ? i - 1 : i);  // a tenth is taken
    this->directory_->create({handle, handle, ""},
                             [&](Status status) { answers.push_back(std::move(status)); });
    if (i % 100 != 50) continue;
    UserChange change;
    change.last_seen_ms = 7;
    this->directory_->update(UserId::of("nobody"), change, [](const Result<UserRecord>& user) {
      EXPECT_EQ(user.error().code, ErrorCode::kNotFound);
    });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answers.size() == kAsked; }));
  for (std::size_t i = 0; i < kAsked; ++i) {
    ASSERT_EQ(answers[i].ok(), i % 10 != 9) << i;
    if (!answers[i]) {
      EXPECT_EQ(answers[i].error().code, ErrorCode::kAlreadyExists);
    }
  }
  this->reopen();
  EXPECT_TRUE(this->load(UserId::of("user0")));
  EXPECT_TRUE(this->load(UserId::of("user998")));
  EXPECT_FALSE(this->load(UserId::of("user999")));
}

TYPED_TEST_P(DirectorySuite, ForgottenDevicesAreGone) {
  ASSERT_TRUE(this->create("ann", "").ok());
  for (std::uint64_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(this->put_device(this->ann_, {id_of<DeviceId>(n), "phone", 1, 0}).ok());
  }
  const std::vector<DeviceId> gone = {id_of<DeviceId>(1), id_of<DeviceId>(3), id_of<DeviceId>(9)};
  const auto forget = [&](const UserId& user) {
    return answer_of<void>(this->factory_.scheduler(), [&](auto done) {
      this->directory_->forget_devices(user, gone, std::move(done));
    });
  };
  ASSERT_TRUE(forget(this->ann_).ok());
  ASSERT_TRUE(forget(UserId::of("nobody")).ok());
  this->reopen();
  const auto left = this->devices(this->ann_);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, id_of<DeviceId>(2));
}

REGISTER_TYPED_TEST_SUITE_P(DirectorySuite, AHandleIsTakenOnce, NobodyIsNotFound,
                            NoCallbackComesAfterDestruction, ForgottenDevicesAreGone,
                            WhatIsAskedAtOnceIsAnsweredInOrderEachForItself,
                            ChangesOnlyWhatIsSetAndSurvivesReopening,
                            ContactsAndBlocksAreSortedSets, TooManyContactsChangeNothing,
                            ConsentsAreOfThoseWhoExist, ProfilesOfThoseThatExist, DevicesAreMerged,
                            WhoComesInIsMadeWithTheirDevice, WhoIsThereComesInUnchanged,
                            APasswordIsReplacedOnlyIfItIsTheOneThatWasSeen,
                            ARevocationIsOfAllDevicesAndTheirTokens,
                            TokensOfADeviceAreAFewAndEndWithIt, ARemovedUserLeavesNothingButItsId,
                            WhoWasRemovedIsLeavingUntilTheyHaveLeft);

}  // namespace kith::server::conformance
