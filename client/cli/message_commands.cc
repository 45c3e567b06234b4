// The commands of the line mode that send, show and find messages.
#include <unistd.h>

#include <algorithm>
#include <future>
#include <iostream>
#include <iterator>
#include <mutex>

#include "client/cli/ask.h"
#include "client/cli/commands.h"
#include "client/cli/json_lines.h"
#include "client/cli/message_lines.h"
#include "client/cli/names.h"
#include "client/cli/printer.h"
#include "client/cli/session.h"
#include "client/cli/tail.h"
#include "kith/core/limits.h"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
using Messages = std::vector<client::Message>;
constexpr auto kSentLimit = 10s;
constexpr auto kStep = 50ms;
constexpr std::size_t kPage = 200;

// The end of a message that was sent: its status, shown once it is on the server or refused.
int report(Session& session, const MessageId& id, std::future<client::Message> placed) {
  client::Client& client = *session.client;
  const auto limit = system_clock().steady_ms() + Millis(kSentLimit).count();
  while (placed.wait_for(kStep) != std::future_status::ready && !session.last_trouble() &&
         system_clock().steady_ms() < limit) {
  }
  if (placed.wait_for(0s) != std::future_status::ready) {
    if (auto trouble = session.last_trouble()) complain(*trouble);
    if (client.connection() == client::ConnectionState::kSignedOut) {
      notice(
          "The server does not accept this sign-in any more. The message is kept; it leaves "
          "after kith login.");
      return kQueued;
    }
    notice("The message is safe on this device and leaves with the next connection.");
    return kQueued;
  }
  const client::Message end = placed.get();
  if (end.status != DeliveryStatus::kFailed) {
    standard_output().line("sent " + id.to_string());
    return kDone;
  }
  const ErrorCode why = end.failure.value_or(ErrorCode::kInternal);
  auto discarded = client.discard(id);
  notice("The message was refused: " + refusal(why) + "." + (discarded ? " It is not kept." : "") +
         " [" + std::string(to_string(why)) + "]");
  return kFailed;
}

// Waits for what becomes of one message. The event may come before send() has returned, so early
// ones are kept.
class Placement {
 public:
  explicit Placement(client::Client& client)
      : subscription_(client.on_event([this](const client::Event& event) { on_event(event); })) {}

  std::future<client::Message> of(const MessageId& id) {
    const std::lock_guard lock(mutex_);
    wanted_ = id;
    if (const auto early = seen_.find(id); early != seen_.end()) tell(early->second);
    return placed_.get_future();
  }

 private:
  void on_event(const client::Event& event) {
    const auto* changed = std::get_if<client::MessageChanged>(&event);
    if (!changed || !changed->message.mine) return;
    if (changed->message.status == DeliveryStatus::kSending) return;
    const std::lock_guard lock(mutex_);
    if (!wanted_) {
      seen_[changed->message.id] = changed->message;
    } else if (*wanted_ == changed->message.id) {
      tell(changed->message);
    }
  }
  void tell(const client::Message& message) {
    if (!std::exchange(told_, true)) placed_.set_value(message);
  }

  std::mutex mutex_;
  std::map<MessageId, client::Message> seen_;
  std::optional<MessageId> wanted_;
  std::promise<client::Message> placed_;
  bool told_ = false;
  std::unique_ptr<client::Subscription> subscription_;  // last: its callbacks use the others
};

// A bare word is never a title; somebody who meant one reads how to write it.
void hint_at_group(client::Client& client, const std::string& who) {
  const auto all = client.conversations(kAllConversations);
  const bool group = std::any_of(all.begin(), all.end(), [&](const client::Conversation& c) {
    return c.type == ConversationType::kGroup && c.title == who;
  });
  if (group) notice("A group is written with a #: '#" + who + "'.");
}

int send(const Arguments& arguments) {
  if (arguments.words.size() < 2) return usage("send takes WHO and TEXT; see kith --help.");
  std::string text;
  for (std::size_t i = 1; i < arguments.words.size(); ++i) {
    text += (i > 1 ? " " : "") + arguments.words[i];
  }
  if (text == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    while (!text.empty() && text.back() == '\n') text.pop_back();
  }
  MessageId reply_to;
  if (!arguments.reply.empty()) {
    const auto id = MessageId::parse(arguments.reply);
    if (!id) return usage("--reply takes the id of a message, as history --json prints it.");
    reply_to = *id;
  }
  return with_session(arguments, false, [&](Session& session) {
    client::Client& client = *session.client;
    auto to = find_conversation(session, arguments.words[0]);
    if (!to) return complain(to.error());
    Placement placement(client);
    auto id = client.send(*to, text, reply_to);
    if (!id) return complain(id.error());
    const int code = report(session, *id, placement.of(*id));
    if (code == kFailed) hint_at_group(client, arguments.words[0]);
    return code;
  });
}

// The newest `limit` messages, gathered page by page. Messages from before an error stay in `out`.
Status newest(client::Client& client, const ConversationId& id, std::size_t limit, Messages* out) {
  Seq before{};
  while (out->size() < limit) {
    auto page = ask<Messages>(
        [&](auto done) { client.history(id, before, std::min(kPage, limit - out->size()), done); });
    if (!page) return page.error();
    if (page->empty()) break;
    const Seq first = page->front().seq;
    out->insert(out->begin(), page->begin(), page->end());
    if (first.value <= 1) break;
    before = first;
  }
  return {};
}

// The messages of a conversation that are still in the outbox.
Messages pending(client::Client& client, const ConversationId& id) {
  std::promise<Messages> promise;
  auto future = promise.get_future();
  bool told = false;
  const auto subscription = client.observe_timeline(id, kPage, [&](const auto& diffs) {
    if (told || diffs.empty()) return;
    told = true;
    Messages out;
    for (const auto& m : diffs.front().items) {
      if (!m.seq) out.push_back(m);
    }
    promise.set_value(std::move(out));
  });
  if (future.wait_for(kAnswerLimit) != std::future_status::ready) return {};
  return future.get();
}

void print_all(const Arguments& arguments, const Messages& messages, const std::string& title,
               const Names& names) {
  for (const auto& m : messages) {
    if (arguments.json) {
      standard_output().json(json_line(m, names.exact(m.sender), title));
    } else {
      print_message(m, "", names);
    }
  }
}

// The newest `limit`, whether they are on the server or wait for it.
Status latest(client::Client& client, const ConversationId& id, std::size_t limit, Messages* out) {
  Status whole = newest(client, id, limit, out);
  for (auto& m : pending(client, id)) out->push_back(std::move(m));
  if (out->size() > limit) {
    out->erase(out->begin(), out->end() - static_cast<std::ptrdiff_t>(limit));
  }
  return whole;
}

int history(const Arguments& arguments) {
  if (arguments.words.size() != 1) return usage("history takes one WHO; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    auto id = find_conversation(*session.client, session.home, arguments.words[0]);
    if (!id) return complain(id.error());
    Messages messages;
    Status whole = latest(*session.client, *id, arguments.limit, &messages);
    const Names names = names_of(session);
    learn_senders(session, names, messages);
    if (std::any_of(messages.begin(), messages.end(), names_people)) {
      messages.clear();
      whole = latest(*session.client, *id, arguments.limit, &messages);
    }
    const auto titles = titles_of(*session.client, names);
    const auto title = titles.find(*id);
    print_all(arguments, messages, title == titles.end() ? "" : title->second, names);
    if (whole && messages.empty())
      notice("So far nothing was said with " + visible_name(arguments.words[0]) + ".");
    if (whole) return static_cast<int>(kDone);
    const int code = complain(whole.error());
    if (!messages.empty()) notice("What is older could not be fetched.");
    return code;
  });
}

int search(const Arguments& arguments) {
  client::SearchQuery query;
  for (const std::string& word : arguments.words)
    query.text += (query.text.empty() ? "" : " ") + word;
  if (query.text.empty()) return usage("search takes WORDS; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    client::Client& client = *session.client;
    if (!arguments.in.empty()) {
      auto in = find_conversation(client, session.home, arguments.in);
      if (!in) return complain(in.error());
      query.conversation = *in;
    }
    const Names names = names_of(session);
    bool complete = true;
    for (std::size_t left = arguments.limit; left > 0;) {
      query.limit = std::min(left, limits::search_page_max);
      auto page = ask<client::SearchPage>([&](auto done) { client.search(query, done); });
      if (!page) return complain(page.error());
      complete = complete && page->complete;
      Messages found;
      for (const client::SearchHit& hit : page->hits) found.push_back(hit.message);
      learn_senders(session, names, found);
      auto titles = titles_of(client, names);
      for (const client::SearchHit& hit : page->hits) {
        const std::string& title = titles[hit.message.conversation];
        if (arguments.json) {
          standard_output().json(json_line(hit, names.exact(hit.message.sender), title));
        } else {
          print_message(hit.message, title, names, hit.matches);
        }
      }
      left -= std::min(left, page->hits.size());
      if (page->next.empty()) break;
      query.after = page->next;
    }
    if (!complete)
      notice("The server was not asked, or cannot search: this is what the device holds.");
    return static_cast<int>(kDone);
  });
}

int list(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("list takes no words; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    const Names names = names_of(session);
    auto conversations = session.client->conversations(kAllConversations);
    std::vector<UserId> people;
    for (const auto& c : conversations) {
      people.push_back(c.peer);
      if (names_people(c.last)) people.push_back(c.last.sender);
    }
    learn_names(session, names, people);
    conversations = session.client->conversations(kAllConversations);
    for (const auto& c : conversations) {
      if (arguments.json) {
        standard_output().json(json_line(c, c.peer.empty() ? "" : names.exact(c.peer)));
        continue;
      }
      std::vector<std::string> head = {clock_text(c.last_time) + "  ", names.title(c)};
      if (c.unread) head.push_back(" (" + std::to_string(c.unread) + " unread)");
      if (c.role == MemberRole::kNone) head.push_back(" (left)");
      if (!c.last.text.empty()) head.push_back(": ");
      standard_output().line(head, ShownText::lines(c.last.text, Form::kFile).front().bytes());
    }
    return static_cast<int>(kDone);
  });
}

int read(const Arguments& arguments) {
  if (arguments.words.size() != 1) return usage("read takes one WHO; see kith --help.");
  return with_session(arguments, true, [&](Session& session) {
    auto id = find_conversation(*session.client, session.home, arguments.words[0]);
    if (!id) return complain(id.error());
    if (auto marked = session.client->mark_read(*id); !marked) return complain(marked.error());
    if (session.client->connection() != client::ConnectionState::kOnline) {
      notice("It is told with the next connection.");
      return static_cast<int>(kQueued);
    }
    // Answers come in the order of the requests: after this one the server knows the mark.
    auto after =
        ask<std::vector<client::Device>>([&](auto answer) { session.client->devices(answer); });
    return after ? static_cast<int>(kDone) : complain(after.error());
  });
}

}  // namespace

const Commands& message_commands() {
  static const Commands commands = {{"send", send}, {"history", history}, {"search", search},
                                    {"list", list}, {"tail", tail},       {"read", read}};
  return commands;
}

}  // namespace kith::cli
