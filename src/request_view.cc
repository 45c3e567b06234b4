// Parses the usual encoding of SendBatch, AckEvents and Content by hand. src/proto/ defines the numbers, and
// request_view_test proves that both parsers agree.
#include "src/request_view.h"

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/utf8.h"
#include "src/wire_reader.h"

namespace kith {
namespace {

constexpr auto number_tag = WireReader::number_tag;
constexpr auto bytes_tag = WireReader::bytes_tag;
constexpr std::size_t kKeptEntries = 256;  // of a list

template <class T>
void empty(std::vector<T>& list) {
  if (list.capacity() > kKeptEntries) {
    list = std::vector<T>();
  } else {
    list.clear();
  }
}

}  // namespace

void RequestView::clear() {
  kind = Kind::kNone;
  req_id = 0;
  whole = {};
  conversation = direct_peer = {};
  empty(messages);
  empty(mentions);
  empty(upto);
}

bool RequestView::read(std::string_view frame) {
  clear();
  if (frame.size() > limits::frame_bytes_max) return false;
  WireReader in(frame);
  std::string_view body;
  while (in.next()) {
    switch (in.tag()) {
      case number_tag(v1::ClientFrame::kReqIdFieldNumber):
        in.number(req_id);
        break;
      case bytes_tag(v1::ClientFrame::kSendFieldNumber):
      case bytes_tag(v1::ClientFrame::kAckEventsFieldNumber):
        if (kind != Kind::kNone) return false;
        kind = in.tag() == bytes_tag(v1::ClientFrame::kSendFieldNumber) ? Kind::kSend : Kind::kAck;
        in.bytes(body);
        break;
      default:
        return false;
    }
  }
  if (!in.done() || kind == Kind::kNone) return false;
  whole = frame;
  return kind == Kind::kSend ? read_send(body) : read_ack(body);
}

bool RequestView::read_send(std::string_view bytes) {
  WireReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case bytes_tag(v1::SendBatch::kConversationIdFieldNumber):
        in.bytes(conversation);
        break;
      case bytes_tag(v1::SendBatch::kDirectPeerFieldNumber):
        in.bytes(direct_peer);
        break;
      case bytes_tag(v1::SendBatch::kItemsFieldNumber): {
        std::string_view message;
        in.another(message);
        if (!read_message(message)) return false;
        break;
      }
      default:
        return false;
    }
  }
  return in.done();
}

bool RequestView::read_message(std::string_view bytes) {
  WireReader in(bytes);
  Message& message = messages.emplace_back();
  message.mentions_from = static_cast<std::uint32_t>(mentions.size());
  std::uint64_t attempt = 0;
  std::uint64_t seen_seq = 0;
  while (in.next()) {
    switch (in.tag()) {
      case bytes_tag(v1::OutMessage::kMessageIdFieldNumber):
        in.bytes(message.id);
        break;
      case number_tag(v1::OutMessage::kAttemptFieldNumber):
        in.number(attempt);
        break;
      case bytes_tag(v1::OutMessage::kContentFieldNumber):
        in.bytes(message.content);
        break;
      case number_tag(v1::OutMessage::kReplyToSeqFieldNumber):
        in.number(message.reply_to_seq);
        break;
      case bytes_tag(v1::OutMessage::kReplyToMessageIdFieldNumber):
        in.bytes(message.reply_to_message_id);
        break;
      case number_tag(v1::OutMessage::kSeenSeqFieldNumber):
        in.number(seen_seq);
        break;
      case bytes_tag(v1::OutMessage::kMentionsFieldNumber):
        in.another(mentions.emplace_back());
        break;
      case number_tag(v1::OutMessage::kClientTsMsFieldNumber):
        in.number(message.client_ts_ms);
        break;
      default:
        return false;
    }
  }
  message.attempt = static_cast<std::uint32_t>(attempt);
  message.mentions_to = static_cast<std::uint32_t>(mentions.size());
  return in.done();
}

bool RequestView::read_ack(std::string_view bytes) {
  WireReader in(bytes);
  while (in.next()) {
    if (in.tag() != bytes_tag(v1::AckEvents::kUptoFieldNumber)) return false;
    std::string_view head_bytes;
    in.another(head_bytes);
    WireReader head_in(head_bytes);
    Head& head = upto.emplace_back();
    while (head_in.next()) {
      if (head_in.tag() == bytes_tag(v1::HeadRef::kConversationIdFieldNumber)) {
        head_in.bytes(head.conversation);
      } else if (head_in.tag() == number_tag(v1::HeadRef::kSeqFieldNumber)) {
        head_in.number(head.seq);
      } else {
        return false;
      }
    }
    if (!head_in.done()) return false;
  }
  return in.done();
}

bool RequestView::read(const v1::ClientFrame& frame) {
  clear();
  req_id = frame.req_id();
  if (frame.has_send()) {
    kind = Kind::kSend;
    conversation = frame.send().conversation_id();
    direct_peer = frame.send().direct_peer();
    for (const v1::OutMessage& message : frame.send().items()) add(message);
  } else if (frame.has_ack_events()) {
    kind = Kind::kAck;
    for (const v1::HeadRef& head : frame.ack_events().upto()) {
      upto.push_back({head.conversation_id(), head.seq()});
    }
  }
  return kind != Kind::kNone;
}

void RequestView::add(const v1::OutMessage& from) {
  Message& message = messages.emplace_back();
  message.id = from.message_id();
  message.content = from.content();
  message.reply_to_message_id = from.reply_to_message_id();
  message.reply_to_seq = from.reply_to_seq();
  message.client_ts_ms = from.client_ts_ms();
  message.attempt = from.attempt();
  message.mentions_from = static_cast<std::uint32_t>(mentions.size());
  mentions.insert(mentions.end(), from.mentions().begin(), from.mentions().end());
  message.mentions_to = static_cast<std::uint32_t>(mentions.size());
}

bool is_plain_content(std::string_view content) {
  WireReader in(content);
  if (!in.next() || in.tag() != bytes_tag(v1::Content::kPlainFieldNumber)) return false;
  std::string_view plain;
  in.bytes(plain);
  if (!in.done()) return false;
  WireReader fields(plain);
  while (fields.next()) {
    std::string_view value;
    fields.bytes(value);
    switch (fields.tag()) {
      case bytes_tag(v1::Plain::kTextFieldNumber):
      case bytes_tag(v1::Plain::kFormatFieldNumber):
        if (!is_utf8(value)) return false;
        break;
      case bytes_tag(v1::Plain::kExtraFieldNumber):
        break;
      default:
        return false;
    }
  }
  return fields.done();
}

}  // namespace kith
