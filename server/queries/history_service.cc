// History pages, rosters, readers.
#include "server/queries/history_service.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/conversation/refusals.h"
#include "server/records/wire.h"
#include "src/frame_codec.h"

namespace kith::server {

void HistoryService::get_events(const Caller& caller, const v1::GetEvents& request,
                                const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  shard_.with(
      id, guard_.wrap([this, caller, request, reply, id](Result<const Conversation*> found) {
        if (!found) return reply_error(reply, found.error());
        const Member* me = *found != nullptr ? find_member(**found, caller.user) : nullptr;
        if (me == nullptr) {
          return reply_error(reply, refusal(shard_, creations_, id, caller.user, not_a_member()));
        }
        auto frame = std::make_shared<v1::ServerFrame>();
        auto* page = frame->mutable_events_page();
        page->set_conversation_id(id.bytes());
        page->set_floor_seq(me->join_seq);
        page->set_last_seq(visible_upto(**found, *me));
        // A client that knows of more must not take this for all.
        const bool may_grow =
            me->active() ? shard_.undecided(id) : shard_.admission_undecided(id, caller.user);
        if (request.to() > page->last_seq() && may_grow) {
          return reply_error(reply, not_decided_yet());
        }
        EventQuery query{id, std::max({request.from(), me->join_seq, std::uint64_t{1}}),
                         page->last_seq(), limits::page_events_max, request.newest()};
        if (request.to() != 0) query.to = std::min(query.to, request.to());
        if (request.limit() != 0) query.limit = std::min<std::size_t>(query.limit, request.limit());
        if (query.to < query.from) return reply(std::move(*frame));
        shard_.events(query, [caller, reply, frame, page,
                              newest = query.newest](Result<std::vector<Event>> events) {
          if (!events) return reply_error(reply, events.error());
          // The events that fit in a page, from the requested end.
          std::size_t bytes = 0;
          std::vector<v1::Event> fit;
          if (newest) std::reverse(events->begin(), events->end());
          for (const Event& event : *events) {
            v1::Event wire;
            to_wire(event, caller.user, &wire);
            bytes += wire.ByteSizeLong() + 8;
            if (bytes > limits::page_bytes_max && !fit.empty()) break;
            fit.push_back(std::move(wire));
          }
          if (newest) std::reverse(fit.begin(), fit.end());
          for (v1::Event& event : fit) *page->add_events() = std::move(event);
          reply(std::move(*frame));
        });
      }));
}

void HistoryService::get_members(const Caller& caller, const v1::GetMembers& request,
                                 const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  std::optional<UserId> after;
  if (!request.page_token().empty()) {
    after = page_tokens_.members_after(caller.user, id, request.page_token());
    if (!after) return reply_error(reply, PageTokens::refusal());
  }
  shard_.with(
      id, guard_.wrap([this, caller, request, reply, id, after](Result<const Conversation*> found) {
        if (!found) return reply_error(reply, found.error());
        const Member* me = *found != nullptr ? find_member(**found, caller.user) : nullptr;
        if (me == nullptr || !me->active()) {
          return reply_error(reply, not_a_member());
        }
        v1::ServerFrame frame;
        auto* page = frame.mutable_members_page();
        page->set_conversation_id(id.bytes());
        page->set_roster_ver((*found)->head.roster_ver);
        std::size_t limit = request.limit() == 0 ? limits::members_page_max : request.limit();
        limit = std::min(limit, limits::members_page_max);
        for (const Member& m : (*found)->members) {
          if (!m.active() || (after && m.user <= *after)) continue;
          if (static_cast<std::size_t>(page->members_size()) == limit) {
            page->set_more(true);
            const auto last = user_id(page->members(page->members_size() - 1).user_id());
            page->set_page_token(page_tokens_.of_members(caller.user, id, *last));
            break;
          }
          auto* out = page->add_members();
          out->set_user_id(m.user.bytes());
          out->set_role(static_cast<v1::MemberRole>(m.role));
          out->set_join_seq(m.join_seq);
        }
        reply(std::move(frame));
      }));
}

void HistoryService::get_readers(const Caller& caller, const v1::GetReaders& request,
                                 const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  shard_.with(id, [caller, reply, seq = request.seq()](Result<const Conversation*> found) {
    if (!found) return reply_error(reply, found.error());
    const Member* asking = *found != nullptr ? find_member(**found, caller.user) : nullptr;
    if (asking == nullptr || !asking->active()) {
      return reply_error(reply, not_a_member());
    }
    if (seq > (*found)->head.last_seq) {
      return reply_error(reply,
                         make_error(ErrorCode::kNotFound, "seq: no message has that number yet"));
    }
    v1::ServerFrame frame;
    auto* page = frame.mutable_readers_page();
    const bool named = (*found)->head.member_count <= limits::readers_listed_max;
    std::uint32_t read = 0;
    std::uint32_t delivered = 0;
    for (const Member& m : (*found)->members) {
      if (!m.active() || m.user == caller.user) continue;
      const bool shows = caller.receipts && m.sharing;
      if (shows && m.public_read_seq >= seq) ++read;
      if (m.delivered_seq >= seq) ++delivered;
      if (!named) continue;
      auto* mark = page->add_members();
      mark->set_user_id(m.user.bytes());
      mark->set_delivered_seq(m.delivered_seq);
      mark->set_read_seq(shows ? m.public_read_seq : 0);
    }
    page->set_read_count(read);
    page->set_delivered_count(delivered);
    page->set_member_count((*found)->head.member_count);
    reply(std::move(frame));
  });
}

}  // namespace kith::server
