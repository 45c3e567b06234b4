// Every rule of validate(): a good request of each kind passes, and each broken rule gets its own
// code.
#include <gtest/gtest.h>

#include <functional>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/uuid.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using Frame = v1::ClientFrame;

const std::string kId(16, 'i');
const std::string kDirect = ConversationId::direct(UserId::of("a"), UserId::of("b")).bytes();

std::string random_group() {
  test::SeededRandom random(7);
  return ConversationId::group(random).bytes();
}
const std::string kGroup = random_group();

std::string uuid() {
  static test::ManualClock clock;
  static test::SeededRandom random(1);
  static UuidGenerator uuids(clock, random);
  return uuids.next().bytes();
}

std::string content(const std::string& text) {
  v1::Content c;
  c.mutable_plain()->set_text(text);
  return c.SerializeAsString();
}

// ok, or the code of the first broken rule.
std::string verdict(const std::function<void(Frame&)>& fill) {
  Frame frame;
  fill(frame);
  const Status status = validate(frame);
  return status ? "ok" : std::string(to_string(status.error().code));
}

void good_hello(Frame& f) {
  auto* m = f.mutable_hello();
  m->set_major(1);
  m->set_device_id(kId);
  m->set_access_token("token");
}
void good_register(Frame& f) {
  auto* m = f.mutable_register_();
  m->set_handle("alice");
  m->set_password("password");
  m->set_device_id(kId);
}
void good_send(Frame& f) {
  auto* m = f.mutable_send();
  m->set_conversation_id(kGroup);
  auto* item = m->add_items();
  item->set_message_id(uuid());
  item->set_content(content("hello"));
}
void good_create(Frame& f) {
  auto* m = f.mutable_create_conversation();
  m->set_conversation_id(kGroup);
  m->set_command_id(uuid());
  m->set_title("Friends");
  m->add_members(kId);
}
void good_change(Frame& f) {
  auto* m = f.mutable_member_change();
  m->set_conversation_id(kGroup);
  m->set_command_id(uuid());
  m->set_kind(v1::MEMBER_CHANGE_KIND_ADD);
  m->add_users(kId);
}

// A good frame of `make`, then `spoil`.
std::string spoiled(void (*make)(Frame&), const std::function<void(Frame&)>& spoil) {
  return verdict([&](Frame& f) {
    make(f);
    spoil(f);
  });
}

TEST(FrameRules, GoodRequestsPass) {
  for (auto* make : {good_hello, good_register, good_send, good_create, good_change}) {
    EXPECT_EQ(verdict(make), "ok");
  }
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_ping(); }), "ok");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_get_devices(); }), "ok");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_revoke_device(); }), "ok");  // every other device
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_sync()->set_cursor(9); }), "ok");
}

TEST(FrameRules, AFrameWithoutBodyIsAProtocolError) {
  EXPECT_EQ(verdict([](Frame& f) { f.set_req_id(1); }), "PROTOCOL");
}

TEST(FrameRules, Hello) {
  EXPECT_EQ(spoiled(good_hello, [](Frame& f) { f.mutable_hello()->set_device_id("x"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_hello, [](Frame& f) { f.mutable_hello()->clear_auth(); }),
            "UNAUTHENTICATED");
  EXPECT_EQ(
      spoiled(good_hello,
              [](Frame& f) {
                f.mutable_hello()->set_resume_ticket(std::string(limits::token_bytes_max + 1, 't'));
              }),
      "TOO_LARGE");
  EXPECT_EQ(spoiled(good_hello,
                    [](Frame& f) {
                      for (std::size_t i = 0; i <= limits::caps_max; ++i) {
                        f.mutable_hello()->add_caps("c");
                      }
                    }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(spoiled(good_hello,
                    [](Frame& f) {
                      f.mutable_hello()->set_agent(std::string(limits::agent_bytes_max + 1, 'a'));
                    }),
            "TOO_LARGE");
  // Left to negotiate(), which answers with an upgrade instead of a complaint about fields.
  EXPECT_EQ(spoiled(good_hello, [](Frame& f) { *f.mutable_hello() = v1::Hello(); }), "ok");
}

TEST(FrameRules, RegisterAndSignIn) {
  const auto with_handle = [](const std::string& handle) {
    return spoiled(good_register, [&](Frame& f) { f.mutable_register_()->set_handle(handle); });
  };
  EXPECT_EQ(with_handle("Grüße"), "ok");
  EXPECT_EQ(with_handle(std::string(limits::handle_bytes_max, 'h')), "ok");
  EXPECT_EQ(with_handle(std::string(limits::handle_bytes_max + 1, 'h')), "TOO_LARGE");
  EXPECT_EQ(with_handle(""), "INVALID_ARGUMENT");
  EXPECT_EQ(with_handle("two\nlines"), "INVALID_ARGUMENT");
  EXPECT_EQ(with_handle("esc\x1b[2J"), "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_register, [](Frame& f) { f.mutable_register_()->set_password("short"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_register,
                    [](Frame& f) {
                      f.mutable_register_()->set_password(
                          std::string(limits::password_bytes_max + 1, 'p'));
                    }),
            "TOO_LARGE");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_sign_in()->set_handle("alice"); }),
            "INVALID_ARGUMENT");  // no device
}

TEST(FrameRules, NoErrorRepeatsAPasswordOrAToken) {
  Frame f;
  good_register(f);
  f.mutable_register_()->set_password("hunter2");
  EXPECT_EQ(validate(f).error().to_string().find("hunter2"), std::string::npos);
}

TEST(FrameRules, SendBatch) {
  const auto with_item = [](const std::function<void(v1::OutMessage&)>& spoil) {
    return spoiled(good_send, [&](Frame& f) { spoil(*f.mutable_send()->mutable_items(0)); });
  };
  EXPECT_EQ(spoiled(good_send, [](Frame& f) { f.mutable_send()->clear_items(); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_send, [](Frame& f) { f.mutable_send()->set_direct_peer("x"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_send,
                    [](Frame& f) {
                      const auto item = f.send().items(0);
                      for (std::size_t i = 0; i < limits::batch_items_max; ++i) {
                        *f.mutable_send()->add_items() = item;
                      }
                    }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(with_item([](v1::OutMessage& m) { m.set_message_id(std::string(15, '\x04')); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(with_item([](v1::OutMessage& m) { m.clear_content(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(with_item([](v1::OutMessage& m) { m.set_content("\xff\xff"); }), "INVALID_ARGUMENT");
  EXPECT_EQ(
      with_item([](v1::OutMessage& m) { m.set_content(std::string("\x0a\x03\x0a\x01\xff", 5)); }),
      "INVALID_ARGUMENT");  // Plain{text: not UTF-8}
  EXPECT_EQ(with_item([](v1::OutMessage& m) {
              m.set_content(content(std::string(limits::body_bytes_max, 'x')));
            }),
            "TOO_LARGE");
  EXPECT_EQ(with_item([](v1::OutMessage& m) {
              m.set_reply_to_seq(3);
              m.set_reply_to_message_id(uuid());
            }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(with_item([](v1::OutMessage& m) {
              for (std::size_t i = 0; i <= limits::mentions_max; ++i) m.add_mentions(kId);
            }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(with_item([](v1::OutMessage& m) { m.add_mentions("bob"); }), "INVALID_ARGUMENT");
}

// a content of a newer release (encrypted, say) passes through a server that cannot read it.
TEST(FrameRules, UnknownContentPasses) {
  EXPECT_EQ(spoiled(good_send,
                    [](Frame& f) {
                      f.mutable_send()->mutable_items(0)->set_content(std::string("\x12\x02hi", 4));
                    }),
            "ok");
}

TEST(FrameRules, Conversations) {
  EXPECT_EQ(
      spoiled(good_create, [](Frame& f) { f.mutable_create_conversation()->clear_members(); }),
      "ok");
  EXPECT_EQ(
      spoiled(good_create, [](Frame& f) { f.mutable_create_conversation()->add_members("bob"); }),
      "INVALID_ARGUMENT");
  EXPECT_EQ(spoiled(good_create,
                    [](Frame& f) {
                      f.mutable_create_conversation()->set_title(
                          std::string(limits::title_bytes_max + 1, 't'));
                    }),
            "TOO_LARGE");
  EXPECT_EQ(spoiled(good_create,
                    [](Frame& f) {
                      for (std::size_t i = 0; i < limits::members_change_max; ++i) {
                        f.mutable_create_conversation()->add_members(kId);
                      }
                    }),
            "LIMIT_EXCEEDED");
}

TEST(FrameRules, MemberChange) {
  const auto change = [](const std::function<void(v1::MemberChange&)>& spoil) {
    return spoiled(good_change, [&](Frame& f) { spoil(*f.mutable_member_change()); });
  };
  EXPECT_EQ(change([](v1::MemberChange& m) { m.clear_kind(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(change([](v1::MemberChange& m) { m.set_kind(static_cast<v1::MemberChangeKind>(99)); }),
            "UNIMPLEMENTED");
  EXPECT_EQ(change([](v1::MemberChange& m) { m.clear_users(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(change([](v1::MemberChange& m) { m.set_kind(v1::MEMBER_CHANGE_KIND_LEAVE); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(change([](v1::MemberChange& m) {
              m.set_kind(v1::MEMBER_CHANGE_KIND_LEAVE);
              m.clear_users();
            }),
            "ok");
  EXPECT_EQ(change([](v1::MemberChange& m) { m.set_kind(v1::MEMBER_CHANGE_KIND_SET_ROLE); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(change([](v1::MemberChange& m) {
              m.set_kind(v1::MEMBER_CHANGE_KIND_SET_ROLE);
              m.set_role(v1::MEMBER_ROLE_OWNER);
              m.add_users(kId);
            }),
            "INVALID_ARGUMENT");
}

TEST(FrameRules, ReadingAndSyncing) {
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_mark_read(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_ack_events()->add_upto(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) {
              for (std::size_t i = 0; i <= limits::heads_listed_max; ++i) {
                f.mutable_ack_events()->add_upto()->set_conversation_id(kGroup);
              }
            }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(verdict([](Frame& f) {
              auto* m = f.mutable_get_events();
              m->set_conversation_id(kGroup);
              m->set_from(9);
              m->set_to(8);
            }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_get_readers()->set_conversation_id(kGroup); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_sync()->set_page_token(std::string(1000, 't')); }),
            "TOO_LARGE");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_get_members()->set_conversation_id("x"); }),
            "INVALID_ARGUMENT");
}

// An id tells its type, and each way in looks at it.
TEST(FrameRules, AConversationIsOfTheTypeThatItsIdTells) {
  const auto code_with = [](const std::string& id,
                            const std::function<std::string*(Frame&)>& field) {
    return verdict([&](Frame& f) { *field(f) = id; });
  };
  const std::vector<std::function<std::string*(Frame&)>> any{
      [](Frame& f) {
        good_send(f);
        return f.mutable_send()->mutable_conversation_id();
      },
      [](Frame& f) { return f.mutable_ack_events()->add_upto()->mutable_conversation_id(); },
      [](Frame& f) { return f.mutable_mark_read()->mutable_conversation_id(); },
      [](Frame& f) { return f.mutable_get_events()->mutable_conversation_id(); },
      [](Frame& f) { return f.mutable_get_members()->mutable_conversation_id(); },
      [](Frame& f) {
        f.mutable_get_readers()->set_seq(1);
        return f.mutable_get_readers()->mutable_conversation_id();
      },
      [](Frame& f) {
        f.mutable_set_typing()->set_activity(v1::ACTIVITY_TYPING);
        return f.mutable_set_typing()->mutable_conversation_id();
      },
      [](Frame& f) {
        f.mutable_search()->set_query("word");
        return f.mutable_search()->mutable_conversation_id();
      }};
  for (const auto& field : any) {
    EXPECT_EQ(code_with(kGroup, field), "ok");
    EXPECT_EQ(code_with(kDirect, field), "ok");
    EXPECT_EQ(code_with(kId, field), "INVALID_ARGUMENT");
  }
  const std::vector<std::function<std::string*(Frame&)>> groups{
      [](Frame& f) {
        good_create(f);
        return f.mutable_create_conversation()->mutable_conversation_id();
      },
      [](Frame& f) {
        good_change(f);
        return f.mutable_member_change()->mutable_conversation_id();
      },
      [](Frame& f) {
        f.mutable_update_meta()->set_command_id(uuid());
        return f.mutable_update_meta()->mutable_conversation_id();
      },
      [](Frame& f) { return f.mutable_sync()->add_large_heads()->mutable_conversation_id(); },
      [](Frame& f) {
        good_send(f);
        f.mutable_send()->clear_direct_peer();
        return f.mutable_send()->mutable_conversation_id();
      }};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    EXPECT_EQ(code_with(kGroup, groups[i]), "ok");
    EXPECT_EQ(code_with(kId, groups[i]), "INVALID_ARGUMENT");
    const bool sends = i + 1 == groups.size();
    EXPECT_EQ(code_with(kDirect, groups[i]), sends ? "ok" : "INVALID_ARGUMENT");
  }
  EXPECT_EQ(spoiled(good_send, [](Frame& f) { f.mutable_send()->set_direct_peer(kId); }),
            "INVALID_ARGUMENT");
}

// The largest lists that the limits allow fit into a frame.
TEST(FrameRules, ListsAtTheirLimitFitIntoAFrame) {
  Frame acks;
  for (std::size_t i = 0; i < limits::heads_listed_max; ++i) {
    auto* head = acks.mutable_ack_events()->add_upto();
    head->set_conversation_id(kGroup);
    head->set_seq(std::uint64_t{1} << 40);
  }
  EXPECT_TRUE(validate(acks).ok());
  EXPECT_TRUE(encode(acks).ok());
}

TEST(FrameRules, PeopleAndPresence) {
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_set_typing()->set_conversation_id(kGroup); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) {
              for (std::size_t i = 0; i <= limits::presence_subscriptions_max; ++i) {
                f.mutable_presence_subscribe()->add_add(kId);
              }
            }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_update_settings(); }), "INVALID_ARGUMENT");
  EXPECT_EQ(
      verdict([](Frame& f) {
        f.mutable_update_settings()->mutable_settings()->set_online(static_cast<v1::Audience>(42));
      }),
      "INVALID_ARGUMENT");  // guessing an audience would publish what was to be hidden
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_update_contacts()->add_block("x"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) {
              for (std::size_t i = 0; i <= limits::users_page_max; ++i) {
                f.mutable_get_users()->add_handles("h");
              }
            }),
            "LIMIT_EXCEEDED");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_update_profile()->set_display_name("a\tb"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_revoke_device()->set_device_id("x"); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(verdict([](Frame& f) { f.mutable_renew_token(); }), "UNAUTHENTICATED");
}

}  // namespace
}  // namespace kith
