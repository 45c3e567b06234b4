// ConversationStoreFixture: rows and queries for the suite of the ConversationStore.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/server/ports/conversation_store.h"

namespace kith::server::conformance {

template <class Factory>
class ConversationStoreFixture : public testing::Test {
 protected:
  const ConversationId room_ = id_of<ConversationId>(1);
  const ConversationId other_room_ = id_of<ConversationId>(2);
  const UserId ann_ = UserId::of("ann");
  const UserId bob_ = UserId::of("bob");

  void open() { store_ = factory_.open(); }
  // Returns false if this factory cannot.
  bool open_nearly_full() {
    store_ = factory_.open_nearly_full();
    return store_ != nullptr;
  }
  void reopen() {
    store_.reset();
    open();
  }

  Event event(const ConversationId& room, std::uint64_t seq, Position position,
              std::size_t body_size = 5) {
    Event e;
    e.conversation = room;
    e.seq = seq;
    e.message_id = id_of<MessageId>(static_cast<std::uint8_t>(seq));
    e.sender = ann_;
    e.sender_device = id_of<DeviceId>(3);
    e.server_ts_ms = 1'000 + static_cast<std::int64_t>(seq);
    e.ordinal = seq;
    e.sender_ordinal = seq % 3 == 0 ? seq + 1 : 0;
    e.countable = true;
    e.sender_only = seq % 2 == 0;
    e.body = std::string(body_size, static_cast<char>(seq));
    e.body[0] = '\0';  // bodies are bytes
    e.reply_to_seq = seq - 1;
    e.mentions = {bob_, ann_};
    e.client_ts_ms = -5;
    e.position = position;
    return e;
  }
  static std::shared_ptr<const LeftView> left_view(Position position) {
    auto view = std::make_shared<LeftView>();
    view->title = "as it was";
    view->member_count = 3;
    view->large = true;
    view->last_ts_ms = 5;
    view->roster_ver = 6;
    view->entry_ver = position;
    view->delivered_all_seq = 7;
    view->read_all_seq = 8;
    view->read_any_seq = 9;
    return view;
  }
  // Returns event number `position` of the room, with ann and bob in it.
  StoreBatch batch(Position position, std::size_t body_size = 5) {
    StoreBatch b;
    b.position = position;
    b.events = {std::make_shared<const Event>(event(room_, position, position, body_size))};
    Head head;
    head.id = room_;
    head.type = ConversationType::kGroup;
    head.last_seq = head.last_position = head.last_ordinal = position;
    head.last_ts_ms = 1'000 + static_cast<std::int64_t>(position);
    head.title = "room";
    head.roster_ver = 1;
    head.entry_ver = position;
    head.member_count = 2;
    head.delivered_all_seq = 1;
    b.heads = {head};
    for (const UserId& user : {ann_, bob_}) {
      Member member;
      member.user = user;
      member.role = user == ann_ ? MemberRole::kOwner : MemberRole::kMember;
      member.join_seq = 1;
      member.delivered_seq = position;
      member.read_ordinal = 1;
      member.sharing = user == ann_;
      member.withheld = position + 1;
      member.blocks = user == bob_;
      if (user == bob_) member.left = left_view(position);
      b.members.emplace_back(room_, member);
    }
    return b;
  }
  Status apply(const StoreBatch& b) {
    return answer_of<void>(factory_.scheduler(), [&](auto done) {
      store_->apply(std::make_shared<const StoreBatch>(b), std::move(done));
    });
  }
  std::vector<Event> events(const EventQuery& query) {
    return answer_of<std::vector<Event>>(factory_.scheduler(),
                                         [&](auto done) { store_->events(query, std::move(done)); })
        .value();
  }
  std::vector<std::uint64_t> seqs(const EventQuery& query) {
    std::vector<std::uint64_t> found;
    for (const Event& e : events(query)) found.push_back(e.seq);
    return found;
  }
  std::optional<Conversation> load(const ConversationId& id) {
    return answer_of<std::optional<Conversation>>(
               factory_.scheduler(), [&](auto done) { store_->load(id, std::move(done)); })
        .value();
  }

  Factory factory_;
  std::unique_ptr<ConversationStore> store_;
};

}  // namespace kith::server::conformance
