// UnreadMarks: the line above what is new in the open conversation, and what is marked as read.
#pragma once

#include <cstdint>

#include "client/cli/chat_model.h"
#include "client/cli/painter.h"
#include "kith/client/client.h"

namespace kith::cli {

class UnreadMarks {
 public:
  // Another conversation is open; nothing of it is marked yet.
  void on_other() { read_up_to_ = {}; }
  // Messages up to the newest, as many as are unread, are new.
  void on_open(const client::Conversation& conversation) {
    unread_ = conversation.unread;
    unread_upto_ = conversation.last_seq;
  }

  // The line between what was read before and what is new stays until another conversation is opened.
  void mark_first_new(const Picture& picture, const ConversationId& open, View& view) {
    if (unread_ == 0 || !picture.open || picture.timeline.empty()) return;
    if (picture.timeline.front().conversation != open) return;
    for (auto m = picture.timeline.rbegin(); m != picture.timeline.rend() && unread_ > 0; ++m) {
      if (m->mine || m->kind != MessageKind::kText || m->seq > unread_upto_) continue;
      view.first_new = m->id;
      --unread_;
    }
    unread_ = 0;
  }
  // Marks what is on the screen as read.
  void mark_read(client::Client& client, const Picture& picture, View& view) {
    if (!picture.open || picture.found || picture.page || view.scroll > 0) return;
    const auto& c = picture.conversations[*picture.open];
    if (c.unread == 0 || c.last_seq <= read_up_to_) return;
    read_up_to_ = c.last_seq;
    if (auto done = client.mark_read(c.id); !done) view.notice = done.error().message;
  }

 private:
  std::uint64_t unread_ = 0;  // until they are marked
  Seq unread_upto_;
  Seq read_up_to_;
};

}  // namespace kith::cli
