// Words for the trace.
#include "tests/simulation/describe.h"

#include <map>

#include "server/records/wire.h"

namespace kith::sim {
namespace {

std::string brief(const std::string& bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = bytes.size() < 4 ? 0 : bytes.size() - 4; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

template <class Number>
std::string text(Number number) {
  return std::to_string(number);
}

std::string events_text(const google::protobuf::RepeatedPtrField<v1::Event>& events) {
  if (events.empty()) return "no events";
  return brief(events[0].conversation_id()) + " " + text(events[0].seq()) + ".." +
         text(events[events.size() - 1].seq());
}

}  // namespace

std::string describe(const v1::ServerFrame& frame) {
  const std::string to = frame.reply_to() == 0 ? "" : "#" + text(frame.reply_to()) + " ";
  switch (frame.body_case()) {
    case v1::ServerFrame::kWelcome:
      return to + "Welcome high " + text(frame.welcome().feed_high());
    case v1::ServerFrame::kSendResult: {
      std::string all = to + "SendResult " + brief(frame.send_result().conversation_id());
      for (const auto& item : frame.send_result().items()) {
        all += " " + brief(item.message_id()) +
               (item.has_placed() ? "=" + text(item.placed().seq())
                                  : " error " + text(static_cast<int>(item.error().code())));
      }
      return all;
    }
    case v1::ServerFrame::kEventPush:
      return to + "EventPush " + events_text(frame.event_push().events());
    case v1::ServerFrame::kEventsPage:
      return to + "EventsPage " + events_text(frame.events_page().events()) + " floor " +
             text(frame.events_page().floor_seq()) + " last " +
             text(frame.events_page().last_seq());
    case v1::ServerFrame::kSyncPage: {
      std::string all = to + "SyncPage next " + text(frame.sync_page().next_cursor());
      for (const auto& s : frame.sync_page().changed()) {
        all += " " + brief(s.conversation_id()) + "@" + text(s.last_seq());
      }
      return all;
    }
    case v1::ServerFrame::kReceiptPush: {
      std::string all = to + "ReceiptPush";
      for (const auto& s : frame.receipt_push().states()) {
        all += " " + brief(s.conversation_id()) + " d" + text(s.delivered_all_seq()) + " r" +
               text(s.read_all_seq()) + " any" + text(s.read_any_seq());
      }
      return all;
    }
    case v1::ServerFrame::kFeedNotice:
      return to + "FeedNotice " + text(frame.feed_notice().ver());
    case v1::ServerFrame::kError:
      return to + "Error " + text(static_cast<int>(frame.error().code())) + " " +
             frame.error().detail();
    case v1::ServerFrame::kGoodbye:
      return to + "Goodbye " + text(static_cast<int>(frame.goodbye().reason()));
    case v1::ServerFrame::kPresencePush:
      return to + "PresencePush " + brief(frame.presence_push().user_id()) + " " +
             text(static_cast<int>(frame.presence_push().state()));
    default:
      return to + "frame " + text(static_cast<int>(frame.body_case()));
  }
}

std::string describe(const v1::ClientFrame& frame) {
  const std::string id = "#" + text(frame.req_id()) + " ";
  switch (frame.body_case()) {
    case v1::ClientFrame::kHello:
      return id + "Hello cursor " + text(frame.hello().cursor());
    case v1::ClientFrame::kSend: {
      std::string all = id + "SendBatch " + brief(frame.send().conversation_id());
      for (const auto& item : frame.send().items()) {
        all += " " + brief(item.message_id()) + "/" + text(item.attempt());
      }
      return all;
    }
    case v1::ClientFrame::kAckEvents: {
      std::string all = id + "AckEvents";
      for (const auto& head : frame.ack_events().upto()) {
        all += " " + brief(head.conversation_id()) + "@" + text(head.seq());
      }
      return all;
    }
    case v1::ClientFrame::kMarkRead:
      return id + "MarkRead " + brief(frame.mark_read().conversation_id()) + "@" +
             text(frame.mark_read().upto_seq());
    case v1::ClientFrame::kSync:
      return id + "Sync " + text(frame.sync().cursor());
    case v1::ClientFrame::kGetEvents:
      return id + "GetEvents " + brief(frame.get_events().conversation_id()) + " " +
             text(frame.get_events().from()) + ".." + text(frame.get_events().to());
    case v1::ClientFrame::kMemberChange:
      return id + "MemberChange " + brief(frame.member_change().conversation_id()) + " kind " +
             text(static_cast<int>(frame.member_change().kind()));
    default:
      return id + "frame " + text(static_cast<int>(frame.body_case()));
  }
}

std::string describe(const server::LogEntry& entry) {
  static const char* const kNames[] = {"send",    "create", "members",   "meta",
                                       "receipt", "mark",   "take over", "block"};
  return text(entry.position) + " " + kNames[entry.record.op.index()] + " " +
         brief(entry.record.command_id.bytes()) + " in " + brief(entry.record.conversation.bytes());
}

}  // namespace kith::sim
