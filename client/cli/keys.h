// KeyReader: bytes of a terminal to keys. A paste comes as one piece, and sequences that are
// not known are no keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

struct Key {
  enum class Kind {
    kText,     // `text` is one character
    kPaste,    // `text` is all of it
    kControl,  // `text` is the letter: "c" for Ctrl-C
    kEnter,
    kNewline,  // Ctrl-J, Alt-Enter
    kEscape,
    kTab,
    kBackspace,
    kWordBack,  // Alt-Backspace
    kDelete,
    kLeft,
    kRight,
    kWordLeft,
    kWordRight,
    kUp,
    kDown,
    kAltUp,
    kAltDown,
    kHome,
    kEnd,
    kPageUp,
    kPageDown,
    kHelp,  // F1
    kAlt,   // `text` is a digit, "a" or "d"
  } kind = Kind::kText;
  std::string text;
  friend bool operator==(const Key&, const Key&) = default;
};

class KeyReader {
 public:
  std::vector<Key> feed(std::string_view bytes);
  // No byte came for a moment: an Escape that nothing follows is the key. A paste goes on.
  std::vector<Key> pause();
  // Whether pause() would change anything.
  [[nodiscard]] bool waiting() const { return state_ != State::kGround && state_ != State::kPaste; }

 private:
  enum class State {
    kGround,
    kUtf8,
    kEscape,
    kCsi,
    kCsiLinux,
    kSs3,
    kString,
    kStringEscape,
    kPaste
  };

  void take(unsigned char c);
  void ground(unsigned char c);
  void after_escape(unsigned char c);
  void end_csi(char last);
  void end_ss3(char c);
  void paste(unsigned char c);
  void emit(Key::Kind kind, std::string text = {});

  State state_ = State::kGround;
  std::string held_;
  std::vector<Key> keys_;
};

}  // namespace kith::cli
