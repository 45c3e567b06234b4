// Reads of ConversationService: catching up, history pages, rosters, readers.
#include <algorithm>
#include <map>
#include <optional>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/conversation_service.h"
#include "server/services/receipts_off.h"
#include "server/services/wire.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

Error no_token() {
  return make_error(ErrorCode::kInvalidArgument, "page_token is not of this listing");
}

// Contacts and blocks, in this order, from the `from`th on, as many as fit; true: not yet all.
bool fill_user_state(const UserRecord& user, std::size_t& from, v1::SyncPage* page) {
  auto* out = page->mutable_user_state();
  auto* settings = out->mutable_settings();
  settings->set_online(static_cast<v1::Audience>(user.privacy.online));
  settings->set_last_seen(static_cast<v1::Audience>(user.privacy.last_seen));
  settings->set_receipts_off(!user.privacy.receipts);
  settings->set_group_adds(static_cast<v1::Audience>(user.privacy.group_adds));
  settings->set_first_messages(static_cast<v1::Audience>(user.privacy.first_messages));
  auto* profile = out->mutable_profile();
  profile->set_user_id(user.id.bytes());
  profile->set_handle(user.handle);
  profile->set_display_name(user.display_name);
  constexpr std::size_t kIdBytes = UserId::kSize + 2;
  const std::size_t all = user.contacts.size() + user.blocked.size();
  for (std::size_t bytes = page->ByteSizeLong() + kIdBytes;
       from < all && bytes <= limits::page_bytes_max; ++from, bytes += kIdBytes) {
    const std::size_t contacts = user.contacts.size();
    if (from < contacts) {
      out->add_contacts(user.contacts[from].bytes());
    } else {
      out->add_blocked(user.blocked[from - contacts].bytes());
    }
  }
  return from < all;
}

}  // namespace

// One SyncRequest being answered: first the mark, then the ids, the heads last.
struct ConversationService::Listing {
  Caller caller;
  Reply reply;
  SyncPlace place{};
  bool snapshot = false;
  bool receipts = true;
  std::size_t window = 0;
  Position cursor = 0;
  Position high = 0;
  std::vector<FeedChange> entries{};
  std::map<ConversationId, std::uint64_t> known{};  // heads of large groups that the client has
  v1::ServerFrame answer{};

  // Nothing but the head of a large group could have moved, and the client has that head.
  [[nodiscard]] bool is_known(const FeedChange& entry, const Conversation& c,
                              const Member& me) const {
    const auto head = known.find(entry.conversation);
    return !snapshot && !entry.marked && head != known.end() && head->second == visible_upto(c, me);
  }
  void reset(v1::SyncResetReason reason) {
    auto* r = answer.mutable_sync_reset();
    r->set_reason(reason);
    r->set_snapshot_cursor(high);
    reply(std::move(answer));
  }
};

void ConversationService::sync(const Caller& caller, const v1::SyncRequest& request,
                               const Reply& reply) {
  auto listing = std::make_shared<Listing>(Listing{caller, reply});
  SyncPlace& place = listing->place;
  const bool goes_on = !request.page_token().empty();
  if (goes_on) {
    // What it continues says the token, whatever else is in the request.
    const auto sealed = page_tokens_.sync_place(caller.user, request.page_token());
    if (!sealed) return reply_error(reply, no_token());
    place = *sealed;
  } else {
    place.kind = request.snapshot() ? SyncPlace::Kind::kSnapshot : SyncPlace::Kind::kChanges;
    place.snapshot = request.snapshot();
    place.cursor = request.cursor();
    place.from = request.snapshot() ? 0 : request.cursor();
  }
  listing->snapshot = place.snapshot;
  listing->cursor = place.cursor;
  listing->window = request.window() == 0 ? limits::sync_window_default : request.window();
  listing->window = std::min(listing->window, limits::sync_window_max);
  for (const v1::HeadRef& head : request.large_heads()) {
    listing->known[*conversation_id(head.conversation_id())] = head.seq();
  }
  // FIRST: what changes from here on gets a new mark.
  const Position high = listing->high = cache_.begin_serving(caller.user, listing->cursor);
  if (listing->cursor > high) return listing->reset(v1::SYNC_RESET_REASON_FUTURE);
  if (!listing->snapshot && listing->cursor < cache_.feed_horizon()) {
    return listing->reset(v1::SYNC_RESET_REASON_HORIZON);
  }
  auto* page = listing->answer.mutable_sync_page();
  place.mark = goes_on ? std::min(place.mark, high) : high;
  page->set_next_cursor(place.mark);
  if (place.kind == SyncPlace::Kind::kUserState) return list_user_state(listing, place.from);
  const auto listed = [this, alive = alive_, listing](Result<std::vector<FeedChange>> found) {
    if (!*alive) return;
    if (!found) return reply_error(listing->reply, found.error());
    if (!listing->snapshot && found->size() > limits::sync_delta_max) {
      return listing->reset(v1::SYNC_RESET_REASON_TOO_MANY);
    }
    listing->entries = *std::move(found);
    users_.with(listing->caller.user, [this, alive, listing](Result<Users::Record> me) {
      if (!*alive) return;
      if (!me) return reply_error(listing->reply, me.error());
      listing->receipts = shares_receipts(me->get());
      list_more(listing, 0);
    });
  };
  if (listing->snapshot) {
    cache_.list(caller.user, place.from, listing->window + 1, listed);
  } else {
    // The first page counts: a delta of too many is given up before it begins.
    const std::size_t wanted = goes_on ? listing->window : limits::sync_delta_max;
    cache_.changed(caller.user, place.from, wanted + 1, listed);
  }
}

void ConversationService::list_more(const std::shared_ptr<Listing>& listing, std::size_t index) {
  auto* page = listing->answer.mutable_sync_page();
  if (index == std::min(listing->entries.size(), listing->window)) return finish_listing(listing);
  // LAST: the heads.
  cache_.with(listing->entries[index].conversation,
              [this, alive = alive_, listing, index, page](Result<const Conversation*> found) {
                if (!*alive) return;
                if (!found) return reply_error(listing->reply, found.error());
                const Conversation* c = *found;
                const Member* me = c != nullptr ? find_member(*c, listing->caller.user) : nullptr;
                if (me != nullptr && !listing->is_known(listing->entries[index], *c, *me)) {
                  to_wire(*c, *me, listing->receipts, page->add_changed());
                }
                list_more(listing, index + 1);
              });
}

void ConversationService::finish_listing(const std::shared_ptr<Listing>& listing) {
  auto* page = listing->answer.mutable_sync_page();
  if (listing->entries.size() > listing->window) {
    listing->place.from = listing->entries[listing->window - 1].feed_ver;
    page->set_more(true);
    page->set_page_token(page_tokens_.of_sync(listing->caller.user, listing->place));
    return listing->reply(std::move(listing->answer));
  }
  cache_.user_mark(listing->caller.user,
                   [this, alive = alive_, listing](Result<Position> changed_at) {
                     if (!*alive) return;
                     if (!changed_at) return reply_error(listing->reply, changed_at.error());
                     if (listing->cursor != 0 && *changed_at <= listing->cursor) {
                       return listing->reply(std::move(listing->answer));
                     }
                     list_user_state(listing, 0);
                   });
}

void ConversationService::list_user_state(const std::shared_ptr<Listing>& listing,
                                          std::size_t from) {
  users_.with(listing->caller.user,
              [this, alive = alive_, listing, from](Result<Users::Record> me) {
                if (!*alive) return;
                if (!me) return reply_error(listing->reply, me.error());
                auto* page = listing->answer.mutable_sync_page();
                std::size_t next = from;
                if (*me && fill_user_state(**me, next, page)) {
                  listing->place.kind = SyncPlace::Kind::kUserState;
                  listing->place.from = next;
                  page->set_more(true);
                  page->set_page_token(page_tokens_.of_sync(listing->caller.user, listing->place));
                }
                listing->reply(std::move(listing->answer));
              });
}

void ConversationService::get_events(const Caller& caller, const v1::GetEvents& request,
                                     const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  cache_.with(
      id, [this, alive = alive_, caller, request, reply, id](Result<const Conversation*> found) {
        if (!*alive) return;
        if (!found) return reply_error(reply, found.error());
        const Member* me = *found != nullptr ? find_member(**found, caller.user) : nullptr;
        if (me == nullptr) {
          return reply_error(reply, refusal(id, caller.user, not_a_member()));
        }
        auto frame = std::make_shared<v1::ServerFrame>();
        auto* page = frame->mutable_events_page();
        page->set_conversation_id(id.bytes());
        page->set_floor_seq(me->join_seq);
        page->set_last_seq(visible_upto(**found, *me));
        // Who knows of more must not take this for all.
        const bool may_grow =
            me->active() ? cache_.undecided(id) : cache_.admission_undecided(id, caller.user);
        if (request.to() > page->last_seq() && may_grow) {
          return reply_error(reply, not_decided_yet());
        }
        EventQuery query{id, std::max({request.from(), me->join_seq, std::uint64_t{1}}),
                         page->last_seq(), limits::page_events_max, request.newest()};
        if (request.to() != 0) query.to = std::min(query.to, request.to());
        if (request.limit() != 0) query.limit = std::min<std::size_t>(query.limit, request.limit());
        if (query.to < query.from) return reply(std::move(*frame));
        cache_.events(query, [alive, caller, reply, frame, page,
                              newest = query.newest](Result<std::vector<Event>> events) {
          if (!*alive) return;
          if (!events) return reply_error(reply, events.error());
          // What fits in a page: from the wanted end, whole events.
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
      });
}

void ConversationService::get_members(const Caller& caller, const v1::GetMembers& request,
                                      const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  std::optional<UserId> after;
  if (!request.page_token().empty()) {
    after = page_tokens_.members_after(caller.user, id, request.page_token());
    if (!after) return reply_error(reply, no_token());
  }
  cache_.with(id, [this, alive = alive_, caller, request, reply, id,
                   after](Result<const Conversation*> found) {
    if (!*alive) return;
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
  });
}

void ConversationService::get_readers(const Caller& caller, const v1::GetReaders& request,
                                      const Reply& reply) {
  const ConversationId id = *conversation_id(request.conversation_id());
  users_.with(
      caller.user, [this, alive = alive_, caller, request, reply, id](Result<Users::Record> me) {
        if (!*alive) return;
        if (!me) return reply_error(reply, me.error());
        const bool may_see_reads = shares_receipts(me->get());
        cache_.with(id, [caller, reply, may_see_reads,
                         seq = request.seq()](Result<const Conversation*> found) {
          if (!found) return reply_error(reply, found.error());
          const Member* asking = *found != nullptr ? find_member(**found, caller.user) : nullptr;
          if (asking == nullptr || !asking->active()) {
            return reply_error(reply, not_a_member());
          }
          if (seq > (*found)->head.last_seq) {
            return reply_error(
                reply, make_error(ErrorCode::kNotFound, "seq: no message has that number yet"));
          }
          v1::ServerFrame frame;
          auto* page = frame.mutable_readers_page();
          const bool named = (*found)->head.member_count <= limits::readers_listed_max;
          std::uint32_t read = 0;
          std::uint32_t delivered = 0;
          for (const Member& m : (*found)->members) {
            if (!m.active() || m.user == caller.user) continue;
            const bool shows = may_see_reads && m.sharing;
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
      });
}

}  // namespace kith::server
