// Commands about groups.
#include "server/commands/group_service.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/commands/command.h"
#include "server/conversation/refusals.h"
#include "server/records/wire.h"
#include "server/requests/consent.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

// Ascending, each once.
std::vector<UserId> user_ids(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::vector<UserId> ids;
  ids.reserve(static_cast<std::size_t>(list.size()));
  for (const std::string& bytes : list) {
    if (const auto id = user_id(bytes)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

void GroupService::create(const Caller& caller, const v1::CreateConversation& request,
                          const Reply& answer) {
  LogRecord r = new_record(caller, *conversation_id(request.conversation_id()), scheduler_.clock());
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  std::vector<UserId> others = user_ids(request.members());
  std::erase(others, caller.user);
  r.op = CreateOp{ConversationType::kGroup, request.title(), others, {}};
  const Reply reply = creations_.begin(r.conversation, caller.user, answer);
  shard_.with(r.conversation,
              guard_.wrap([this, caller, r, others, reply](Result<const Conversation*> found) {
                if (!found) return reply_error(reply, found.error());
                if (*found == nullptr) {
                  if (shard_.undecided(r.conversation))
                    return reply_error(reply, not_decided_yet());
                  return append_if_willing(caller, r, others, reply);
                }
                // A repetition, or a group of others.
                if (find_member(**found, r.sender) == nullptr)
                  return reply_error(reply, not_a_member());
                append_placed(r, reply);
              }));
}

void GroupService::change_members(const Caller& caller, const v1::MemberChange& request,
                                  const Reply& reply) {
  LogRecord r = new_record(caller, *conversation_id(request.conversation_id()), scheduler_.clock());
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  MembershipOp op{static_cast<MemberChangeKind>(request.kind()),
                  user_ids(request.users()),
                  static_cast<MemberRole>(request.role()),
                  {}};
  r.op = op;
  with_member(
      r, reply, [this, caller, r, op, reply](const Conversation& c, const Member& me) mutable {
        if (op.kind != MemberChangeKind::kAdd) return append_placed(r, reply);
        // Refused before anybody is looked up: adding without the right to tells nobody who exists.
        if (me.role < MemberRole::kAdmin) {
          if (shard_.undecided(r.conversation)) return reply_error(reply, not_decided_yet());
          return answer_earlier_or(
              r, make_error(ErrorCode::kPermissionDenied, "only admins may add members"), reply);
        }
        // Members are left out: if one leaves before the decision, it must not bring them back unasked.
        std::erase_if(op.users, [&](const UserId& user) {
          const Member* there = find_member(c, user);
          return there != nullptr && there->active();
        });
        r.op = op;
        append_if_willing(caller, r, op.users, reply);
      });
}

void GroupService::change_meta(const Caller& caller, const v1::UpdateMeta& request,
                               const Reply& reply) {
  LogRecord r = new_record(caller, *conversation_id(request.conversation_id()), scheduler_.clock());
  r.command_id = *message_id(request.command_id());
  r.attempt = request.attempt();
  r.op = MetaOp{request.title()};
  with_member(r, reply,
              [this, r, reply](const Conversation&, const Member&) { append_placed(r, reply); });
}

// Refuses a person who is no member, without a record. A former one may have asked before leaving: their
// repetition is answered with its place.
void GroupService::with_member(const LogRecord& r, const Reply& reply,
                               std::function<void(const Conversation&, const Member&)> then) {
  shard_.with(r.conversation, guard_.wrap([this, r, reply, then = std::move(then)](
                                              Result<const Conversation*> found) {
    if (!found) return reply_error(reply, found.error());
    if (creations_.pending(r.conversation, r.sender)) {
      const bool waits =
          creations_.defer(r.conversation, r.sender,
                           guard_.wrap([this, r, reply, then] { with_member(r, reply, then); }));
      if (!waits) reply_error(reply, not_decided_yet());
      return;
    }
    const Member* me = *found == nullptr ? nullptr : find_member(**found, r.sender);
    if (me != nullptr && me->active()) return then(**found, *me);
    if (shard_.admission_undecided(r.conversation, r.sender)) {
      return reply_error(reply, not_decided_yet());
    }
    if (me == nullptr) return reply_error(reply, not_a_member());
    answer_earlier_or(r, not_a_member(), reply);
  }));
}

// `joining`: those whom the record makes members, ascending. They are asked for before the log: what it has
// is decided without the directory.
void GroupService::append_if_willing(const Caller& caller, LogRecord r, std::vector<UserId> joining,
                                     const Reply& reply) {
  relations_.consents(caller, joining,
                      guard_.wrap([this, caller, r = std::move(r), joining,
                                   reply](const Result<std::vector<Consent>>& known) mutable {
                        if (!known) return reply_error(reply, temporary(known.error()));
                        if (const auto refused = check_group_adds(joining, *known)) {
                          relations_.charge(caller, static_cast<std::uint32_t>(joining.size()));
                          return answer_earlier_or(r, *refused, reply);
                        }
                        std::vector<UserId> off;
                        for (const Consent& one : *known) {
                          if (!one.privacy.receipts) off.push_back(one.user);
                        }
                        if (auto* create = std::get_if<CreateOp>(&r.op))
                          create->receipts_off = std::move(off);
                        if (auto* change = std::get_if<MembershipOp>(&r.op))
                          change->receipts_off = std::move(off);
                        append_placed(std::move(r), reply);
                      }));
}

void GroupService::answer_earlier_or(const LogRecord& r, const Error& error, const Reply& reply) {
  shard_.find(r.conversation, r.sender, r.command_id,
              [error, reply](const Result<std::optional<Placement>>& earlier) {
                if (!earlier) return reply_error(reply, temporary(earlier.error()));
                if (!*earlier) return reply_error(reply, error);
                v1::ServerFrame frame;
                to_wire(**earlier, true, frame.mutable_placed());
                reply(std::move(frame));
              });
}

void GroupService::append_placed(LogRecord r, const Reply& reply) {
  shard_.append(std::move(r), [reply](Result<Outcome> outcome) {
    if (!outcome) return reply_error(reply, outcome.error());
    if (outcome->error) return reply_error(reply, *outcome->error);
    v1::ServerFrame frame;
    to_wire(outcome->placed.value_or(Placement{}), outcome->duplicate, frame.mutable_placed());
    reply(std::move(frame));
  });
}

}  // namespace kith::server
