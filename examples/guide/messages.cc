// Sending, its states, history, reading and typing.
#include "guide.h"

namespace guide {

// [guide_send]
kith::Result<kith::MessageId> greet(kc::Client& client, const std::string& handle) {
  return client.send(client.direct(handle), "Hello!");  // durable when it returns, also offline
}
// [/guide_send]

// [guide_reply]
kith::Result<kith::MessageId> answer(kc::Client& client, const kc::Message& message,
                                     const std::string& text) {
  return client.send(message.conversation, text, message.id);
}
// [/guide_reply]

// [guide_ticks]
std::string ticks(const kc::Message& message) {
  if (!message.mine) return "";
  switch (message.status) {
    case kith::DeliveryStatus::kFailed:
      return "!";
    case kith::DeliveryStatus::kSending:
      return "…";
    case kith::DeliveryStatus::kSent:
      return "✓";
    case kith::DeliveryStatus::kDelivered:
      return "✓✓";
    case kith::DeliveryStatus::kRead:
      return "✓✓ read";
  }
  return "";
}
// [/guide_ticks]

// [guide_failed]
// Carries out the person's choice for a message that is kFailed.
kith::Status after_failure(kc::Client& client, const kc::Message& message, bool try_again) {
  return try_again ? client.resend(message.id) : client.discard(message.id);
}
// [/guide_failed]

// [guide_history]
// The page above what is shown; an empty one means that nothing older can be had now.
void load_older(kc::Client& client, const kith::ConversationId& conversation,
                const std::vector<kc::Message>& shown,
                std::function<void(std::vector<kc::Message>)> done) {
  const kith::Seq before = shown.empty() ? kith::Seq() : shown.front().seq;
  client.history(conversation, before, 50,
                 [done = std::move(done)](const kith::Result<std::vector<kc::Message>>& page) {
                   done(page.value_or({}));  // fails only if the client is closed
                 });
}
// [/guide_history]

// [guide_search]
// The text of a hit, with what was searched for in brackets.
std::string emphasised(const kc::SearchHit& hit) {
  std::string line;
  std::size_t at = 0;
  for (const kith::TextRange& match : hit.matches) {
    line += hit.message.text.substr(at, match.begin - at);
    line += '[' + hit.message.text.substr(match.begin, match.size) + ']';
    at = match.begin + match.size;
  }
  return line + hit.message.text.substr(at);
}

// All hits, newest first. An application asks for the next page when the person scrolls there.
void show_hits(kc::Client& client, kc::SearchQuery query, Screen& screen) {
  client.search(query, [&client, &screen, query](const kith::Result<kc::SearchPage>& page) {
    if (!page) return screen.say(page.error().to_string());
    for (const kc::SearchHit& hit : page->hits) screen.say(emphasised(hit));
    if (page->next.empty())
      return screen.say(page->complete ? "That is all." : "That is all on this device.");
    kc::SearchQuery next = query;
    next.after = page->next;
    show_hits(client, next, screen);
  });
}

// The hit and what was said before it; from the server if this device does not hold it.
void open_hit(kc::Client& client, const kc::SearchHit& hit,
              kc::Done<std::vector<kc::Message>> done) {
  const kith::Seq seq = hit.message.seq;  // 0: it waits in the outbox, below the newest
  client.history(hit.message.conversation, seq ? kith::Seq(seq.value + 1) : seq, 50,
                 std::move(done));
}
// [/guide_search]

// [guide_read]
void shown_to_the_person(kc::Client& client, const kc::Conversation& conversation) {
  if (conversation.unread > 0) (void)client.mark_read(conversation.id, conversation.last_seq);
}
// [/guide_read]

// [guide_typing]
void key_pressed(kc::Client& client, const kith::ConversationId& conversation, bool box_is_empty) {
  client.set_typing(conversation, !box_is_empty);  // at every key: it is sent at most every 3 s
}
// [/guide_typing]

}  // namespace guide
