// The full-screen messenger: keys in, pictures out.
#include "client/cli/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <chrono>
#include <sstream>

#include "client/cli/chat_model.h"
#include "client/cli/line_editor.h"
#include "client/cli/painter.h"
#include "client/cli/session.h"

namespace kith::cli {
namespace {

constexpr int kRedrawMs = 1'000;  // the terminal may have changed its size
constexpr auto kTypingEvery = std::chrono::seconds(3);
constexpr char kHint[] =
    "Up/Down PgUp/PgDn  /to WHO /group TITLE WHO.. /reply TEXT /search WORDS /quit";

// Wakes the screen's thread from any thread.
class Bell {
 public:
  Bell() {
    if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Bell() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  void ring() {
    const char one = 1;
    // A full pipe rings already.
    [[maybe_unused]] const ssize_t n = ::write(ends_[1], &one, 1);
  }
  void wait(int limit_ms) {
    pollfd wanted[2] = {{STDIN_FILENO, POLLIN, 0}, {ends_[0], POLLIN, 0}};
    ::poll(wanted, 2, limit_ms);
    char rest[256];
    while (::read(ends_[0], rest, sizeof rest) > 0) {
    }
  }

 private:
  int ends_[2];
};

class Screen {
 public:
  Screen(client::Client& client, const Home& home, const std::string& handle)
      : client_(client), home_(home), model_(client, home, handle, [this] { bell_.ring(); }) {
    view_.notice = kHint;
  }

  void run() {
    while (!quit_) {
      picture_ = model_.picture();
      if (!wanted_.empty()) choose_wanted();
      if (!picture_.open && !picture_.conversations.empty() && current_.empty()) open(0);
      mark_read();
      painter_.draw(picture_, editor_, view_);
      bell_.wait(kRedrawMs);
      wint_t key = 0;
      for (int kind = get_wch(&key); kind != ERR && !quit_; kind = get_wch(&key)) {
        press(kind == KEY_CODE_YES, key);
      }
    }
  }

 private:
  void open(std::size_t index) {
    if (index >= picture_.conversations.size()) return;
    show(picture_.conversations[index].id);
  }

  void show(const ConversationId& id) {
    if (current_ == id) return;
    stop_typing();
    current_ = id;
    view_.scroll = 0;
    read_up_to_ = {};
    model_.open(id);
    picture_ = model_.picture();
  }

  // A 1:1 that has just come into being: watched again now that the other person is known.
  void choose_wanted() {
    for (const auto& c : picture_.conversations) {
      if (c.id != wanted_) continue;
      wanted_ = {};
      model_.open(c.id);
      picture_ = model_.picture();
      return;
    }
  }

  void mark_read() {
    if (!picture_.open || picture_.found || view_.scroll > 0) return;
    const auto& c = picture_.conversations[*picture_.open];
    if (c.unread == 0 || c.last_seq <= read_up_to_) return;
    read_up_to_ = c.last_seq;
    if (auto done = client_.mark_read(c.id); !done) view_.notice = done.error().message;
  }

  void press(bool special, wint_t key) {
    view_.notice.clear();
    if (special) return press_special(key);
    switch (key) {
      case L'\n':
      case L'\r':
        enter();
        break;
      case 3:
      case 4:
        quit_ = true;
        break;  // Ctrl-C, Ctrl-D
      case 1:
        editor_.home();
        break;
      case 5:
        editor_.end();
        break;
      case 8:
      case 127:
        editor_.backspace();
        break;
      case 21:
        editor_.clear();
        break;
      case 23:
        editor_.erase_word();
        break;
      case 27:
        if (!model_.forget_search()) editor_.clear();
        break;
      case 12:
        clearok(stdscr, TRUE);
        break;
      default:
        if (key >= 32) {
          editor_.insert(static_cast<wchar_t>(key));
          start_typing();
        }
    }
  }

  void press_special(wint_t key) {
    const std::size_t page = 10;
    switch (key) {
      case KEY_UP:
        if (picture_.open && *picture_.open > 0) open(*picture_.open - 1);
        break;
      case KEY_DOWN:
        open(picture_.open ? *picture_.open + 1 : 0);
        break;
      case KEY_PPAGE:
        page_up(page);
        break;
      case KEY_NPAGE:
        view_.scroll -= std::min(page, view_.scroll);
        break;
      case KEY_LEFT:
        editor_.left();
        break;
      case KEY_RIGHT:
        editor_.right();
        break;
      case KEY_HOME:
        editor_.home();
        break;
      case KEY_END:
        editor_.end();
        view_.scroll = 0;
        break;
      case KEY_BACKSPACE:
        editor_.backspace();
        break;
      case KEY_DC:
        editor_.erase();
        break;
      case KEY_ENTER:
        enter();
        break;
      default:
        break;
    }
  }

  void page_up(std::size_t rows) {
    view_.scroll += rows;
    if (!picture_.found && view_.at_oldest && !model_.open_further()) {
      view_.notice = "What is older: kith history.";
    }
  }

  void start_typing() {
    const auto now = system_clock().steady_ms();
    if (current_.empty() || editor_.text()[0] == L'/' || now < typing_again_) return;
    typing_again_ = now + Millis(kTypingEvery).count();
    typing_ = true;
    client_.set_typing(current_, true);
  }

  void stop_typing() {
    if (typing_) client_.set_typing(current_, false);
    typing_ = false;
    typing_again_ = 0;
  }

  void enter() {
    const std::string text = to_utf8(editor_.text());
    if (text.find_first_not_of(' ') == std::string::npos) return;
    const bool done = text[0] == '/' ? command(text) : send(text, {});
    if (done) editor_.clear();
  }

  bool send(const std::string& text, const MessageId& reply_to) {
    if (current_.empty()) {
      view_.notice = "Nobody to talk to yet: /to WHO opens a conversation.";
      return false;
    }
    stop_typing();
    auto id = client_.send(current_, text, reply_to);
    if (!id) {
      view_.notice = id.error().message;  // the text stays on the input line
      return false;
    }
    view_.scroll = 0;
    model_.forget_search();
    return true;
  }

  bool command(const std::string& text) {
    std::istringstream words(text);
    std::string verb;
    words >> verb;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (verb == "/quit" || verb == "/q") return quit_ = true;
    if (verb == "/to") return talk_to(rest);
    if (verb == "/group") return group(rest);
    if (verb == "/reply") return reply(rest);
    if (verb == "/search") return search(rest);
    if (verb == "/resend" || verb == "/discard") return failed(verb == "/resend");
    view_.notice = kHint;
    return verb == "/help";
  }

  bool talk_to(const std::string& who) {
    auto id = find_conversation(client_, home_, who);
    if (!id) {
      view_.notice = id.error().message;
      return false;
    }
    if (who[0] != '#') model_.learn(who[0] == '@' ? who.substr(1) : who);
    show(*id);
    if (!picture_.open) {
      wanted_ = *id;
      view_.notice = "Write the first message to " + who + ".";
    }
    return true;
  }

  bool group(const std::string& rest) {
    std::istringstream words(rest);
    std::string title;
    std::string handle;
    words >> title;
    std::vector<UserId> members;
    while (words >> handle) {
      home_.remember(handle);
      model_.learn(handle);
      members.push_back(UserId::of(handle));
    }
    if (members.empty()) {
      view_.notice = "/group takes a title of one word and at least one handle.";
      return false;
    }
    auto id = client_.create_group(title, members);
    if (!id) {
      view_.notice = id.error().message;
      return false;
    }
    show(*id);
    return true;
  }

  // Answers the newest message of somebody else.
  bool reply(const std::string& text) {
    for (auto m = picture_.timeline.rbegin(); m != picture_.timeline.rend(); ++m) {
      if (!m->mine && m->kind == MessageKind::kText) return !text.empty() && send(text, m->id);
    }
    view_.notice = "There is nothing to answer here.";
    return false;
  }

  bool search(const std::string& words) {
    if (words.empty()) {
      view_.notice = "/search takes words; Esc shows the conversation again.";
      return false;
    }
    view_.scroll = 0;
    model_.search(words);
    return true;
  }

  // What to do with the newest message that was refused.
  bool failed(bool again) {
    for (auto m = picture_.timeline.rbegin(); m != picture_.timeline.rend(); ++m) {
      if (!m->mine || m->status != DeliveryStatus::kFailed) continue;
      auto done = again ? client_.resend(m->id) : client_.discard(m->id);
      if (!done) view_.notice = done.error().message;
      return done.ok();
    }
    view_.notice = "No message here has failed.";
    return true;
  }

  client::Client& client_;
  const Home& home_;
  Bell bell_;
  ChatModel model_;
  Painter painter_;
  LineEditor editor_;
  View view_;
  Picture picture_;
  ConversationId current_;
  ConversationId wanted_;
  Seq read_up_to_;
  bool typing_ = false;
  std::int64_t typing_again_ = 0;  // steady_ms: not before then
  bool quit_ = false;
};

}  // namespace

int run_screen(const Arguments& arguments) {
  const Home home(arguments.home);
  auto account = home.load();
  if (!account) {
    complain(account.error());
    return account.error().code == ErrorCode::kUnauthenticated ? kNotSignedIn : kFailed;
  }
  if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO)) {
    return complain(make_error(ErrorCode::kInvalidArgument,
                               "The full screen needs a terminal; scripts use kith send, tail and "
                               "history."));
  }
  auto client = client::Client::open(options_of(home, *account, arguments));
  if (!client) return complain(client.error());
  (*client)->connect();
  (*client)->foreground();
  {
    Screen screen(**client, home, account->handle);
    screen.run();
  }
  (*client)->close();
  return kDone;
}

}  // namespace kith::cli
