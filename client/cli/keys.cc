// Decodes what terminals send for keys: xterm's sequences and those of its relatives.
#include "client/cli/keys.h"

#include <utility>

namespace kith::cli {
namespace {

using Kind = Key::Kind;

constexpr std::size_t kSequenceMax = 64;        // longer ones are noise
constexpr std::size_t kPasteMax = 1024 * 1024;  // far more than a message takes
constexpr std::string_view kPasteEnd = "\x1b[201~";

std::size_t utf8_size(unsigned char lead) {
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 0;
  return lead >= 0xc2 ? 2 : 0;
}

}  // namespace

std::vector<Key> KeyReader::feed(std::string_view bytes) {
  for (const char c : bytes) take(static_cast<unsigned char>(c));
  return std::exchange(keys_, {});
}

std::vector<Key> KeyReader::pause() {
  if (state_ == State::kEscape) emit(Kind::kEscape);
  if (waiting()) {
    state_ = State::kGround;
    held_.clear();
  }
  return std::exchange(keys_, {});
}

void KeyReader::emit(Kind kind, std::string text) {
  keys_.push_back({kind, std::move(text)});
}

void KeyReader::take(unsigned char c) {
  switch (state_) {
    case State::kGround:
      return ground(c);
    case State::kUtf8:
      if ((c & 0xc0) != 0x80) {  // cut off: no key
        state_ = State::kGround;
        return ground(c);
      }
      held_ += static_cast<char>(c);
      if (held_.size() < utf8_size(static_cast<unsigned char>(held_[0]))) return;
      state_ = State::kGround;
      return emit(Kind::kText, std::exchange(held_, {}));
    case State::kEscape:
      return after_escape(c);
    case State::kCsi:
      if (c == 0x1b) {
        held_.clear();
        state_ = State::kEscape;
      } else if (c < 0x20 || c > 0x7e || held_.size() > kSequenceMax) {
        state_ = State::kGround;
      } else if (c >= 0x40) {
        end_csi(static_cast<char>(c));
      } else {
        held_ += static_cast<char>(c);
      }
      return;
    case State::kCsiLinux:  // ESC [ [ A: a function key of the console
      state_ = State::kGround;
      if (c == 'A') emit(Kind::kHelp);
      return;
    case State::kSs3:
      state_ = State::kGround;
      return end_ss3(static_cast<char>(c));
    case State::kString:
      if (c == 0x07 || held_.size() > kSequenceMax * kSequenceMax) state_ = State::kGround;
      if (c == 0x1b) state_ = State::kStringEscape;
      held_ += static_cast<char>(c);
      return;
    case State::kStringEscape:
      state_ = c == '\\' ? State::kGround : State::kString;
      return;
    case State::kPaste:
      return paste(c);
  }
}

void KeyReader::ground(unsigned char c) {
  held_.clear();
  if (c == 0x1b) {
    state_ = State::kEscape;
  } else if (c == '\r') {
    emit(Kind::kEnter);
  } else if (c == '\n') {
    emit(Kind::kNewline);
  } else if (c == '\t') {
    emit(Kind::kTab);
  } else if (c == 0x7f || c == 0x08) {
    emit(Kind::kBackspace);
  } else if (c < 0x20) {
    emit(Kind::kControl, std::string(1, static_cast<char>(c + ('a' - 1))));
  } else if (c < 0x80) {
    emit(Kind::kText, std::string(1, static_cast<char>(c)));
  } else if (utf8_size(c)) {
    held_ = static_cast<char>(c);
    state_ = State::kUtf8;
  }
}

void KeyReader::after_escape(unsigned char c) {
  state_ = State::kGround;
  held_.clear();
  switch (c) {
    case 0x1b:
      emit(Kind::kEscape);
      state_ = State::kEscape;
      break;
    case '[':
      state_ = State::kCsi;
      break;
    case 'O':
      state_ = State::kSs3;
      break;
    case ']':
    case 'P':
    case '_':
    case '^':
      state_ = State::kString;  // an answer of the terminal
      break;
    case '\r':
    case '\n':
      emit(Kind::kNewline);
      break;
    case 0x7f:
    case 0x08:
      emit(Kind::kWordBack);
      break;
    case 'b':
      emit(Kind::kWordLeft);
      break;
    case 'f':
      emit(Kind::kWordRight);
      break;
    case '/':  // a command right after an Escape
      emit(Kind::kEscape);
      emit(Kind::kText, "/");
      break;
    default:
      if ((c >= '0' && c <= '9') || c == 'a' || c == 'd')
        emit(Kind::kAlt, std::string(1, static_cast<char>(c)));
      break;  // Alt with another key
  }
}

void KeyReader::end_csi(char last) {
  state_ = State::kGround;
  const std::string given = std::exchange(held_, {});
  if (last == '[' && given.empty()) {
    state_ = State::kCsiLinux;
    return;
  }
  const auto semicolon = given.rfind(';');
  const std::string modifier = semicolon == std::string::npos ? "" : given.substr(semicolon + 1);
  const bool plain = modifier.empty() || modifier == "1";
  const bool word = modifier == "5" || modifier == "3";  // Ctrl or Alt
  switch (last) {
    case 'A':
      if (plain || word) emit(plain ? Kind::kUp : Kind::kAltUp);
      return;
    case 'B':
      if (plain || word) emit(plain ? Kind::kDown : Kind::kAltDown);
      return;
    case 'C':
      if (plain || word) emit(plain ? Kind::kRight : Kind::kWordRight);
      return;
    case 'D':
      if (plain || word) emit(plain ? Kind::kLeft : Kind::kWordLeft);
      return;
    case 'H':
      return emit(Kind::kHome);
    case 'F':
      return emit(Kind::kEnd);
    case 'u':  // keyboards that report modifiers: Enter with Shift or Alt
      if (given == "13;2" || given == "13;3") emit(Kind::kNewline);
      return;
    case '~':
      break;
    default:
      return;
  }
  const std::string number = given.substr(0, given.find(';'));
  if (given == "200") {
    state_ = State::kPaste;
  } else if (given == "27;2;13" || given == "27;3;13") {
    emit(Kind::kNewline);
  } else if (number == "1" || number == "7") {
    emit(Kind::kHome);
  } else if (number == "4" || number == "8") {
    emit(Kind::kEnd);
  } else if (number == "3") {
    emit(Kind::kDelete);
  } else if (number == "5") {
    emit(Kind::kPageUp);
  } else if (number == "6") {
    emit(Kind::kPageDown);
  } else if (number == "11") {
    emit(Kind::kHelp);
  }
}

void KeyReader::end_ss3(char c) {
  switch (c) {
    case 'A':
      return emit(Kind::kUp);
    case 'B':
      return emit(Kind::kDown);
    case 'C':
      return emit(Kind::kRight);
    case 'D':
      return emit(Kind::kLeft);
    case 'H':
      return emit(Kind::kHome);
    case 'F':
      return emit(Kind::kEnd);
    case 'M':
      return emit(Kind::kEnter);
    case 'P':
      return emit(Kind::kHelp);
    default:
      return;
  }
}

void KeyReader::paste(unsigned char c) {
  held_ += static_cast<char>(c);
  if (held_.ends_with(kPasteEnd)) {
    held_.resize(held_.size() - kPasteEnd.size());
    state_ = State::kGround;
    emit(Kind::kPaste, std::exchange(held_, {}));
  } else if (held_.size() > kPasteMax + kPasteEnd.size()) {
    held_.erase(kPasteMax, 1);  // the rest is dropped, and its end still seen
  }
}

}  // namespace kith::cli
