// Prints what arrives, and acknowledges what it has printed.
#include "client/cli/tail.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <mutex>
#include <set>

#include "client/cli/ask.h"
#include "client/cli/commands.h"
#include "client/cli/json_lines.h"
#include "client/cli/message_lines.h"

namespace kith::cli {
namespace {

// More than that on its way to a reader that does not read: the rest is fetched from the cache by
// the next tail, for it is not acknowledged.
constexpr std::size_t kWaitingMax = 100'000;

// Events of the client's thread for the printing one.
class EventQueue {
 public:
  EventQueue() : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~EventQueue() { ::close(bell_); }
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  void push(const client::Event& event) {
    const std::lock_guard lock(mutex_);
    if (events_.size() < kWaitingMax) events_.push_back(event);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(bell_, &one, sizeof one);
  }
  std::deque<client::Event> take() {
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t n = ::read(bell_, &rung, sizeof rung);
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  [[nodiscard]] int bell() const { return bell_; }

 private:
  const int bell_;
  std::mutex mutex_;
  std::deque<client::Event> events_;
};

class Tail {
 public:
  Tail(Session& session, const Arguments& arguments, int signals)
      : session_(session),
        client_(*session.client),
        json_(arguments.json),
        signals_(signals),
        names_(names_of(session)),
        subscription_(
            client_.on_event([this](const client::Event& event) { queue_.push(event); })) {
    standard_output().interrupt_by(signals);
  }

  int run() {
    for (auto& c : client_.conversations(kAllConversations)) conversations_[c.id] = std::move(c);
    for (auto left = client_.unacknowledged(); !left.empty(); left = client_.unacknowledged()) {
      for (const client::Message& m : left) {
        if (!print(m)) return lost();
      }
    }
    client_.connect();
    for (;;) {
      for (const client::Event& event : queue_.take()) {
        if (const auto code = take(event)) return *code;
      }
      pollfd wanted[3] = {{queue_.bell(), POLLIN, 0},
                          {signals_, POLLIN, 0},
                          {standard_output().fd(), 0, 0}};  // POLLERR: its reader is gone
      if (::poll(wanted, 3, -1) < 0) continue;
      if (wanted[1].revents) return kDone;
      if (wanted[2].revents) {
        notice("Nobody reads the output any more.");
        return kOutputLost;
      }
    }
  }

 private:
  // The exit code if this was the last one.
  std::optional<int> take(const client::Event& event) {
    if (const auto* changed = std::get_if<client::ConversationChanged>(&event)) {
      conversations_[changed->conversation.id] = changed->conversation;
    } else if (const auto* c = std::get_if<client::ConnectionChanged>(&event)) {
      if (c->state == client::ConnectionState::kSignedOut) return complain(c->reason);
    } else if (const auto* m = std::get_if<client::MessageChanged>(&event); m && m->is_new) {
      if (!print(m->message)) return lost();
    }
    return std::nullopt;
  }

  // The exit code when something could not be printed: a signal while the reader was slow is none.
  static int lost() {
    const Status written = standard_output().flush();
    return !written && written.error().code == ErrorCode::kCancelled ? kDone : kOutputLost;
  }

  // False: it could not be written, and is not acknowledged.
  bool print(client::Message message) {
    const client::Conversation& in = conversations_[message.conversation];
    learn_names(session_, names_, {message.sender, in.peer});
    if (names_people(message)) name_people(message);
    const std::string title = in.id.empty() ? "" : names_.title(in);
    if (json_) {
      standard_output().json(json_line(message, names_.exact(message.sender), title));
    } else {
      print_message(message, title, names_);
    }
    if (!standard_output().flush()) return false;
    if (!message.seq) return true;
    const Status kept = client_.acknowledge(message.conversation, message.seq);
    if (!kept) complain(kept.error());
    return kept.ok();
  }

  // The words of kith about a change of members, again, now that they can name who did it.
  void name_people(client::Message& message) {
    const auto again = ask<std::vector<client::Message>>([&](auto answer) {
      client_.history(message.conversation, Seq(message.seq.value + 1), 1, answer);
    });
    if (again && !again->empty() && again->front().id == message.id) message = again->front();
  }

  Session& session_;
  client::Client& client_;
  const bool json_;
  const int signals_;
  Names names_;
  std::map<ConversationId, client::Conversation> conversations_;
  EventQueue queue_;
  std::unique_ptr<client::Subscription> subscription_;  // last: its callbacks use the queue
};

}  // namespace

int tail(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage("tail takes no words; see kith --help.");
  // Blocked before any thread exists, so that only the descriptor sees them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  const int signals = ::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  const int code = with_printing_session(
      arguments, [&](Session& session) { return Tail(session, arguments, signals).run(); });
  ::close(signals);
  return code;
}

}  // namespace kith::cli
