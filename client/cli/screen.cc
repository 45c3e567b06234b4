// The full-screen messenger: keys in, pictures out.
#include "client/cli/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <string>
#include <vector>

#include "client/cli/canvas.h"
#include "client/cli/chat.h"
#include "client/cli/keys.h"
#include "client/cli/line_editor.h"
#include "client/cli/painter.h"
#include "client/cli/session.h"
#include "client/cli/terminal_check.h"

namespace kith::cli {
namespace {

constexpr int kRedrawMs = 1'000;  // the terminal may have changed its size
constexpr int kEscapeMs = 50;     // what follows an Escape of a sequence comes at once
constexpr int kPageRows = 10;
constexpr std::size_t kSentKept = 50;  // for Ctrl-R

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
  // True: a signal asks to end.
  bool wait(int limit_ms, int signals) {
    pollfd wanted[3] = {{STDIN_FILENO, POLLIN, 0}, {ends_[0], POLLIN, 0}, {signals, POLLIN, 0}};
    const int ready = ::poll(wanted, 3, limit_ms);
    char rest[256];
    while (::read(ends_[0], rest, sizeof rest) > 0) {
    }
    return ready > 0 && wanted[2].revents != 0;
  }

 private:
  int ends_[2];
};

class Screen {
 public:
  Screen(client::Client& client, const Home& home, const std::string& handle, int signals)
      : signals_(signals), chat_(client, home, handle, [this] { bell_.ring(); }) {
    chat_.view().notice = "Write and press Enter. /to WHO opens a conversation, /help shows more.";
  }

  void run() {
    while (!chat_.wants_to_quit() && !quit_) {
      chat_.refresh();
      const int height = canvas_.height();
      canvas_.show(paint(chat_.picture(), editor(), chat_.view(), height, canvas_.width()));
      if (bell_.wait(keys_.waiting() ? kEscapeMs : kRedrawMs, signals_)) return;
      std::string bytes;
      if (!canvas_.read(&bytes)) return;
      for (const Key& key : bytes.empty() ? keys_.pause() : keys_.feed(bytes)) {
        press(key);
        chat_.writing(!editor().empty());
        chat_.refresh();
      }
    }
  }

 private:
  LineEditor& editor() { return editors_[chat_.current()]; }

  void edited(bool taken) {
    if (!taken) chat_.view().notice = "A message cannot be longer; this is not put in.";
    chat_.composing(!editor().empty() && !editor().is_command());
  }

  void press(const Key& key) {
    using Kind = Key::Kind;
    chat_.view().notice.clear();
    if (key.kind != Kind::kControl || key.text != "r") recalled_ = 0;
    switch (key.kind) {
      case Kind::kText:
        return edited(editor().type(key.text));
      case Kind::kPaste:
        return edited(editor().paste(key.text));
      case Kind::kNewline:
        return edited(editor().newline());
      case Kind::kEnter:
        return submit();
      case Kind::kTab:
        return edited(
            editor().type(chat_.complete(editor().before_cursor(), editor().is_command())));
      case Kind::kAlt:
        return alt(key.text[0]);
      case Kind::kEscape:
        if (!chat_.go_back()) editor().clear();
        return;
      case Kind::kControl:
        return control(key.text[0]);
      case Kind::kUp:
        if (!editor().up()) chat_.move(-1);
        return;
      case Kind::kDown:
        if (!editor().down()) chat_.move(1);
        return;
      case Kind::kAltUp:
        return chat_.select(-1);
      case Kind::kAltDown:
        return chat_.select(1);
      case Kind::kPageUp:
        return chat_.scroll(kPageRows);
      case Kind::kPageDown:
        return chat_.scroll(-kPageRows);
      case Kind::kHelp:
        return chat_.help();
      default:
        return edit(key.kind);
    }
  }

  void submit() {
    LineEditor& written = editor();  // a command may open another conversation
    const Sent sent{written.text(), written.is_command()};
    if (!chat_.submit(sent.text, sent.command)) return;
    written.clear();
    if (sent.text.empty()) return;
    if (sent_.size() == kSentKept) sent_.erase(sent_.begin());
    sent_.push_back(sent);
  }

  // Ctrl-R: what was sent last, pressed again what was sent before that.
  void recall() {
    if (recalled_ >= sent_.size()) {
      chat_.view().notice = "Nothing else was sent from here.";
      return;
    }
    if (recalled_ == 0) {
      editor().cut_all();  // Ctrl-Y brings it back
    } else {
      editor().clear();
    }
    const Sent& sent = sent_[sent_.size() - ++recalled_];
    if (sent.command) editor().type(sent.text.substr(0, 1));
    edited(editor().paste(sent.text.substr(sent.command ? 1 : 0)));
  }

  void alt(char key) {
    if (key == 'a') return chat_.next_unread();
    if (key == 'd') return editor().cut_next_word();
    chat_.go_to(key == '0' ? 9 : static_cast<std::size_t>(key - '1'));
  }

  void edit(Key::Kind kind) {
    using Kind = Key::Kind;
    switch (kind) {
      case Kind::kBackspace:
        return editor().backspace();
      case Kind::kWordBack:
        return editor().cut_word();
      case Kind::kDelete:
        return editor().erase();
      case Kind::kLeft:
        return editor().left();
      case Kind::kRight:
        return editor().right();
      case Kind::kWordLeft:
        return editor().word_left();
      case Kind::kWordRight:
        return editor().word_right();
      case Kind::kHome:
        return editor().home();
      case Kind::kEnd:
        if (editor().empty()) chat_.to_newest();
        return editor().end();
      default:
        return;  // a key that means nothing here
    }
  }

  void control(char letter) {
    switch (letter) {
      case 'c':
        quit_ = true;
        return;
      case 'd':
        quit_ = editor().empty();
        return editor().erase();
      case 'a':
        return editor().home();
      case 'e':
        return editor().end();
      case 'b':
        return editor().left();
      case 'f':
        return editor().right();
      case 'k':
        return editor().cut_to_end();
      case 'y':
        return edited(editor().yank());
      case 'r':
        return recall();
      case 'u':
        return editor().cut_all();
      case 'w':
        return editor().cut_word();
      case 'l':
        return canvas_.repaint();
      case 'p':
        return chat_.select(-1);
      case 'n':
        return chat_.select(1);
      case 'z':
        return canvas_.suspend();
      default:
        return;
    }
  }

  const int signals_;
  Bell bell_;
  Chat chat_;
  Canvas canvas_;
  KeyReader keys_;
  struct Sent {
    std::string text;
    bool command;  // what was pasted is none when it comes back
  };
  std::vector<Sent> sent_;
  std::size_t recalled_ = 0;
  std::map<ConversationId, LineEditor> editors_;  // what is begun in each conversation
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
  if (auto usable = check_terminal(); !usable) return complain(usable.error());
  if (auto prepared = home.prepare(); !prepared) return complain(prepared.error());
  // Blocked before any thread exists: the terminal is given back before the program ends.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGHUP);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGQUIT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  const int signals = ::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  auto client = client::Client::open(options_of(home, *account, arguments));
  if (!client) return complain(client.error());
  {
    Screen screen(**client, home, account->handle, signals);
    (*client)->connect();  // only now, or what happens before the screen listens is never shown
    (*client)->foreground();
    screen.run();
  }
  const bool signed_out = (*client)->connection() == client::ConnectionState::kSignedOut;
  (*client)->close();
  ::close(signals);
  return signed_out ? kNotSignedIn : kDone;
}

}  // namespace kith::cli
