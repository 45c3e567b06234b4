// Rules of consent: the people whom a command may make members, those who may start a 1:1, and the answers to
// refused requests.
#include <gtest/gtest.h>

#include <functional>

#include "kith/core/limits.h"
#include "src/frame_codec.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;
using testing::message;

class ConsentTest : public testing::ServiceTest {
 protected:
  void allow(const UserId& user, Audience group_adds, Audience first_messages) {
    UserChange settings;
    settings.privacy = PrivacySettings{};
    settings.privacy->group_adds = group_adds;
    settings.privacy->first_messages = first_messages;
    change(user, settings);
  }
  void block(const UserId& user, const UserId& whom) {
    UserChange blocks;
    blocks.block = {whom};
    change(user, blocks);
  }
  v1::ServerFrame create(const Caller& owner, const std::vector<UserId>& others,
                         const ConversationId& id = group_id(), std::uint8_t command = 100) {
    v1::ClientFrame frame;
    auto& made = *frame.mutable_create_conversation();
    made.set_conversation_id(id.bytes());
    made.set_command_id(message(command).bytes());
    made.set_attempt(1);
    for (const UserId& user : others) made.add_members(user.bytes());
    return ask(owner, frame);
  }
  v1::ServerFrame member_change(const Caller& actor, v1::MemberChangeKind kind,
                                const std::vector<UserId>& who, std::uint8_t command,
                                const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    auto& request = *frame.mutable_member_change();
    request.set_conversation_id(id.bytes());
    request.set_command_id(message(command).bytes());
    request.set_attempt(1);
    request.set_kind(kind);
    for (const UserId& user : who) request.add_users(user.bytes());
    return ask(actor, frame);
  }
  v1::ServerFrame write_first(const Caller& from, const UserId& to, std::uint8_t n = 1) {
    v1::ClientFrame frame = batch({out(n)}, ConversationId::direct(from.user, to));
    frame.mutable_send()->set_direct_peer(to.bytes());
    return ask(from, frame);
  }
  static std::vector<UserId> named(const v1::ServerFrame& answer) {
    std::vector<UserId> users;
    for (const std::string& bytes : answer.error().users()) users.emplace_back(*user_id(bytes));
    return users;
  }
  // The content of an answer, without the number of its request.
  static std::string words(const v1::ServerFrame& answer) { return answer.SerializeAsString(); }

  const UserId ghost = UserId::of("caroll"), other_ghost = UserId::of("dvae");
  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
  Caller cleos = enter(cleo, 3);
};

TEST_F(ConsentTest, WhoDoesNotExistIsNamedAndNothingIsMade) {
  const v1::ServerFrame answer = create(anna, {bob, ghost, other_ghost});
  EXPECT_EQ(answer.error().code(), v1::ERROR_CODE_NOT_FOUND);
  std::vector<UserId> both{ghost, other_ghost};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(named(answer), both);
  EXPECT_EQ(cache.cached(group_id()), nullptr);
  ASSERT_TRUE(create(anna, {bob}).has_placed());
  EXPECT_EQ(named(member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {cleo, ghost}, 101)),
            std::vector{ghost});
  person("caroll");  // nobody's messages wait for them
  EXPECT_EQ(find_member(*cache.cached(group_id()), ghost), nullptr);
  EXPECT_EQ(find_member(*cache.cached(group_id()), cleo), nullptr);
}

TEST_F(ConsentTest, AnIdOfZerosIsNobodyAsAnyOther) {
  const v1::ServerFrame answer = write_first(anna, UserId());
  EXPECT_EQ(answer.error().code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_EQ(named(answer), std::vector{UserId()});
}

TEST_F(ConsentTest, WhoGuessesIdsPaysForWhatARefusalTells) {
  std::uint32_t people = 0, wait = 0;
  relations.set_costs({[&](const Caller&) { return wait; },
                       [&](const Caller&, std::uint32_t some) { people += some; }, nullptr});
  create(anna, {bob, ghost, other_ghost});
  EXPECT_EQ(people, 3U) << "who is not named exists";
  write_first(anna, ghost);
  EXPECT_EQ(people, 4U);
  allow(bob, Audience::kNobody, Audience::kNobody);
  write_first(anna, bob, 2);
  create(anna, {bob, cleo});
  EXPECT_EQ(people, 7U);
  ASSERT_TRUE(create(anna, {cleo}).has_placed());
  member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {ghost}, 101);
  EXPECT_EQ(people, 8U) << "members whom nobody had to guess cost nothing";
  wait = 700;
  for (const v1::ServerFrame& answer :
       {create(anna, {ghost}, group_id(7), 102), write_first(anna, ghost, 3),
        member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {ghost}, 103)}) {
    EXPECT_EQ(answer.error().code(), v1::ERROR_CODE_RATE_LIMITED);
    EXPECT_EQ(answer.error().retry_after_ms(), 700U);
    EXPECT_EQ(answer.error().users_size(), 0);
  }
  EXPECT_TRUE(create(anna, {cleo}).has_placed()) << "a repetition";
}

TEST_F(ConsentTest, OnlyThoseWhoLetOneAreAdded) {
  allow(bob, Audience::kNobody, Audience::kEveryone);
  allow(cleo, Audience::kContacts, Audience::kEveryone);
  const v1::ServerFrame answer = create(anna, {bob, cleo});
  EXPECT_EQ(answer.error().code(), v1::ERROR_CODE_PERMISSION_DENIED);
  std::vector<UserId> both{bob, cleo};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(named(answer), both);
  UserChange contacts;
  contacts.add_contacts = {ann};
  change(cleo, contacts);
  EXPECT_TRUE(create(anna, {cleo}).has_placed());
  EXPECT_EQ(member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {bob}, 101).error().code(),
            v1::ERROR_CODE_PERMISSION_DENIED);
}

TEST_F(ConsentTest, WhoHasLeftIsAskedAgain) {
  ASSERT_TRUE(create(anna, {bob}).has_placed());
  ASSERT_TRUE(member_change(bobs, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 101).has_placed());
  block(bob, ann);
  EXPECT_EQ(member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {bob}, 102).error().code(),
            v1::ERROR_CODE_PERMISSION_DENIED);
}

TEST_F(ConsentTest, ARepetitionKeepsItsAnswerWhenConsentIsGone) {
  ASSERT_TRUE(create(anna, {bob}).has_placed());
  ASSERT_TRUE(member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {cleo}, 101).has_placed());
  ASSERT_TRUE(member_change(cleos, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 102).has_placed());
  block(bob, ann);
  block(cleo, ann);
  EXPECT_TRUE(create(anna, {bob}).placed().duplicate());
  EXPECT_EQ(member_change(anna, v1::MEMBER_CHANGE_KIND_ADD, {cleo}, 101).placed().seq(), 2u);
  EXPECT_EQ(member_change(cleos, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 102).placed().seq(), 3u);
  EXPECT_FALSE(find_member(*cache.cached(group_id()), cleo)->active());
}

TEST_F(ConsentTest, ABlockIsToldApartFromNobodyByNothing) {
  const auto answers = [&](const Caller& asker, const ConversationId& fresh,
                           const ConversationId& own) {
    return words(create(asker, {bob}, fresh, 110)) +
           words(member_change(asker, v1::MEMBER_CHANGE_KIND_ADD, {bob}, 111, own)) +
           words(write_first(asker, bob));
  };
  ASSERT_TRUE(create(anna, {}, group_id(4), 104).has_placed());
  allow(bob, Audience::kNobody, Audience::kNobody);
  const std::string to_nobody = answers(anna, group_id(5), group_id(4));
  allow(bob, Audience::kEveryone, Audience::kEveryone);
  block(bob, ann);
  EXPECT_EQ(answers(anna, group_id(5), group_id(4)), to_nobody);
  EXPECT_EQ(cache.cached(group_id(5)), nullptr);
  EXPECT_EQ(cache.cached(ConversationId::direct(ann, bob)), nullptr);
}

TEST_F(ConsentTest, AFirstMessageNeedsConsentAndALaterOneDoesNot) {
  allow(bob, Audience::kEveryone, Audience::kContacts);
  const v1::ServerFrame refused = write_first(anna, bob);
  EXPECT_EQ(refused.error().code(), v1::ERROR_CODE_PERMISSION_DENIED);
  EXPECT_EQ(named(refused), std::vector{bob});
  ASSERT_TRUE(write_first(bobs, ann).send_result().items(0).has_placed());
  EXPECT_TRUE(write_first(anna, bob).send_result().items(0).has_placed());
}

TEST_F(ConsentTest, WhoMayNotAddLearnsNotWhoExists) {
  ASSERT_TRUE(create(anna, {bob}).has_placed());
  EXPECT_EQ(words(member_change(bobs, v1::MEMBER_CHANGE_KIND_ADD, {ghost}, 101)),
            words(member_change(bobs, v1::MEMBER_CHANGE_KIND_ADD, {cleo}, 102)));
}

// Cleo asks for a 1:1 and a group of others, and for the same that do not exist.
TEST_F(ConsentTest, ToAStrangerAConversationOfOthersIsNotThere) {
  ASSERT_TRUE(write_first(anna, bob).has_send_result());
  ASSERT_TRUE(create(anna, {bob}).has_placed());
  const auto asked = [&](const ConversationId& id) {
    std::string all;
    const std::string bytes = id.bytes();
    const std::vector<std::function<void(v1::ClientFrame&)>> requests{
        [&](auto& f) { f = batch({out(9)}, id); },
        [&](auto& f) { f.mutable_get_events()->set_conversation_id(bytes); },
        [&](auto& f) { f.mutable_get_members()->set_conversation_id(bytes); },
        [&](auto& f) {
          f.mutable_get_readers()->set_conversation_id(bytes);
          f.mutable_get_readers()->set_seq(1);
        },
        [&](auto& f) {
          f.mutable_mark_read()->set_conversation_id(bytes);
          f.mutable_mark_read()->set_upto_seq(1);
        },
        [&](auto& f) {
          f.mutable_update_meta()->set_conversation_id(bytes);
          f.mutable_update_meta()->set_command_id(message(120).bytes());
        },
        [&](auto& f) {
          f.mutable_member_change()->set_conversation_id(bytes);
          f.mutable_member_change()->set_command_id(message(121).bytes());
          f.mutable_member_change()->set_kind(v1::MEMBER_CHANGE_KIND_ADD);
          f.mutable_member_change()->add_users(cleo.bytes());
        }};
    for (const auto& fill : requests) {
      v1::ClientFrame frame;
      fill(frame);
      const v1::ServerFrame answer = ask(cleos, frame);
      EXPECT_EQ(answer.error().code(), v1::ERROR_CODE_NOT_MEMBER);
      all += words(answer);
    }
    return all;
  };
  const Position before = disks.log->last;
  EXPECT_EQ(asked(ConversationId::direct(ann, bob)),
            asked(ConversationId::direct(ann, UserId::of("dora"))));
  EXPECT_EQ(asked(group_id()), asked(group_id(9)));
  EXPECT_EQ(disks.log->last, before) << "a stranger costs a record";
}

TEST_F(ConsentTest, ThereIsNoOneToOneWithOneself) {
  EXPECT_EQ(write_first(anna, ann).error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace kith::server
