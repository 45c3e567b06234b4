// Draws on the terminal with ncurses.
#include "client/cli/painter.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <wchar.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "client/cli/session.h"

namespace kith::cli {
namespace {

enum Color : short { kAccent = 1, kRead = 2, kAlert = 3, kName = 4 };

constexpr int kListWidth = 24;
constexpr int kNarrow = 50;  // below: the timeline has the screen for itself

// Stand around what is emphasised; no text brings them along.
constexpr wchar_t kBold = 0x2;
constexpr wchar_t kPlain = 0x3;

int width_of(wchar_t c) {
  return std::max(::wcwidth(c), 0);
}

// As much of `text` as fits into `columns`.
std::wstring cut(const std::wstring& text, int columns) {
  std::wstring out;
  for (const wchar_t c : text) {
    columns -= width_of(c);
    if (columns < 0) break;
    out += c;
  }
  return out;
}

void put(int y, int x, const std::wstring& text) {
  mvaddnwstr(y, x, text.c_str(), static_cast<int>(text.size()));
}

struct Row {
  std::wstring text;
  std::wstring name;  // drawn before the text
  std::wstring mark;  // drawn behind it
  attr_t name_style = A_NORMAL;
  attr_t mark_style = A_NORMAL;
  attr_t style = A_NORMAL;
};

std::string date_text(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%d.%m.%Y %H:%M", &local);
  return text;
}

std::vector<std::wstring> wrap(const std::wstring& text, int first, int columns) {
  std::vector<std::wstring> out(1);
  int room = first;
  std::wstring word;
  const auto flush = [&] {
    int width = 0;
    for (const wchar_t c : word) width += width_of(c);
    if (width > room && !out.back().empty()) {
      while (!word.empty() && word.front() == L' ') word.erase(0, 1);
      out.emplace_back();
      room = columns;
    }
    for (const wchar_t c : word) {
      if (room < width_of(c)) {
        out.emplace_back();
        room = columns;
      }
      out.back() += c;
      room -= width_of(c);
    }
    word.clear();
  };
  for (const wchar_t c : text) {
    if (c == L' ') flush();
    word += c;
  }
  flush();
  return out;
}

void set_mark(Row& row, const client::Message& m) {
  if (!m.mine) return;
  switch (m.status) {
    case DeliveryStatus::kFailed:
      row.mark = L" !";
      row.mark_style = COLOR_PAIR(kAlert) | A_BOLD;
      break;
    case DeliveryStatus::kSending:
      row.mark = L" …";
      row.mark_style = A_DIM;
      break;
    case DeliveryStatus::kSent:
      row.mark = L" ✓";
      row.mark_style = A_DIM;
      break;
    case DeliveryStatus::kDelivered:
      row.mark = L" ✓✓";
      row.mark_style = A_DIM;
      break;
    case DeliveryStatus::kRead:
      row.mark = L" ✓✓";
      row.mark_style = COLOR_PAIR(kRead) | A_BOLD;
      break;
  }
}

void add_rows(std::vector<Row>& rows, const client::Message& m, const std::string& sender,
              const std::wstring& answered, int columns) {
  const std::time_t seconds = static_cast<std::time_t>(m.time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  wchar_t clock[16];
  std::wcsftime(clock, 16, L"%H:%M ", &local);
  if (m.kind != MessageKind::kText) {
    rows.push_back({clock + cut(L"* " + to_wide(m.text), columns - 6), {}, {}, 0, 0, A_DIM});
    return;
  }
  if (!answered.empty()) {
    rows.push_back({cut(L"      > " + answered, columns), {}, {}, 0, 0, A_DIM});
  }
  const std::wstring name = clock + cut(to_wide(sender), 16) + L" ";
  const auto lines =
      wrap(to_wide(m.text), columns - 3 - static_cast<int>(name.size()), columns - 9);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Row row;
    row.text = lines[i];
    if (i == 0) {
      row.name = name;
      row.name_style = m.mine ? A_BOLD : COLOR_PAIR(kName) | A_BOLD;
    } else {
      row.name = L"      ";
    }
    if (i + 1 == lines.size()) set_mark(row, m);
    rows.push_back(std::move(row));
  }
}

void draw_list(const Picture& p, int height, int width) {
  const int shown = height;
  int first = 0;
  if (p.open && static_cast<int>(*p.open) >= shown) first = static_cast<int>(*p.open) - shown + 1;
  for (int y = 0; y < shown && first + y < static_cast<int>(p.conversations.size()); ++y) {
    const std::size_t i = static_cast<std::size_t>(first) + static_cast<std::size_t>(y);
    const auto& c = p.conversations[i];
    std::wstring count;
    if (c.unread) count = L" " + (c.unread > 999 ? L"999+" : std::to_wstring(c.unread));
    const bool open = p.open && *p.open == i;
    attrset(open ? A_REVERSE : c.unread ? A_BOLD : A_NORMAL);
    mvhline(y, 0, ' ', width);
    put(y, 1, cut(to_wide(p.titles[i]), width - 2 - static_cast<int>(count.size())));
    if (!count.empty()) {
      attrset(COLOR_PAIR(kAccent) | A_BOLD | (open ? A_REVERSE : A_NORMAL));
      put(y, width - 1 - static_cast<int>(count.size()), count);
    }
  }
  attrset(A_DIM);
  mvvline(0, width, ACS_VLINE, height);
  attrset(A_NORMAL);
}

void draw_text(const Row& row) {
  std::wstring part;
  attr_t style = row.style;
  const auto flush = [&] {
    attrset(style);
    addnwstr(part.c_str(), static_cast<int>(part.size()));
    part.clear();
  };
  for (const wchar_t c : row.text) {
    if (c != kBold && c != kPlain) {
      part += c;
      continue;
    }
    flush();
    style = c == kBold ? row.style | A_BOLD | A_UNDERLINE : row.style;
  }
  flush();
}

// As many as there is room for below the title, the newest at the bottom.
void draw_rows(const std::vector<Row>& rows, int x, int height, View& view) {
  const int space = height - 1;
  const auto total = rows.size();
  view.scroll = std::min(view.scroll, total > static_cast<std::size_t>(space)
                                          ? total - static_cast<std::size_t>(space)
                                          : 0);
  const std::size_t end = total - view.scroll;
  const std::size_t begin =
      end > static_cast<std::size_t>(space) ? end - static_cast<std::size_t>(space) : 0;
  view.at_oldest = begin == 0;
  int y = height - static_cast<int>(end - begin);
  for (std::size_t i = begin; i < end; ++i, ++y) {
    const Row& row = rows[i];
    attrset(row.name_style);
    put(y, x, row.name);
    draw_text(row);
    attrset(row.mark_style);
    addnwstr(row.mark.c_str(), static_cast<int>(row.mark.size()));
  }
  attrset(A_NORMAL);
}

void draw_timeline(const Picture& p, int x, int height, int columns, View& view) {
  attrset(A_BOLD);
  if (p.open) {
    const auto& c = p.conversations[*p.open];
    std::wstring title = to_wide(p.titles[*p.open]);
    if (c.type == ConversationType::kGroup)
      title += L" · " + std::to_wstring(c.member_count) + L" members";
    if (!p.presence.empty()) title += L" · " + to_wide(p.presence);
    put(0, x, cut(title, columns));
  }
  attrset(A_NORMAL);
  std::map<std::uint64_t, std::size_t> by_seq;
  for (std::size_t i = 0; i < p.timeline.size(); ++i) by_seq[p.timeline[i].seq.value] = i;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < p.timeline.size(); ++i) {
    const auto& m = p.timeline[i];
    std::wstring answered;
    if (const auto it = by_seq.find(m.reply_to.value); m.reply_to && it != by_seq.end()) {
      answered = to_wide(p.senders[it->second] + ": " + p.timeline[it->second].text);
    }
    add_rows(rows, m, p.senders[i], answered, columns);
  }
  draw_rows(rows, x, height, view);
}

std::wstring marked(const client::SearchHit& hit) {
  std::wstring out;
  std::size_t at = 0;
  for (const TextRange& range : hit.matches) {
    const std::string& text = hit.message.text;
    out += to_wide(text.substr(at, range.begin - at)) + kBold;
    out += to_wide(text.substr(range.begin, range.size)) + kPlain;
    at = range.begin + range.size;
  }
  return out + to_wide(hit.message.text.substr(at));
}

void draw_found(const Found& found, int x, int height, int columns, View& view) {
  attrset(A_BOLD);
  std::wstring title = L"\"" + to_wide(found.words) + L"\" · ";
  if (found.note != "searching") title += std::to_wstring(found.hits.size()) + L" found";
  if (!found.note.empty()) title += (found.hits.empty() ? L" " : L", ") + to_wide(found.note);
  put(0, x, cut(title + L" · Esc: back", columns));
  attrset(A_NORMAL);
  std::vector<Row> rows;
  for (std::size_t i = found.hits.size(); i-- > 0;) {
    const client::Message& m = found.hits[i].message;
    rows.push_back(
        {cut(to_wide(date_text(m.time) + " " + found.titles[i]), columns), {}, {}, 0, 0, A_DIM});
    const std::wstring name = cut(to_wide(found.senders[i]), 16) + L" ";
    bool first = true;
    bool bold = false;
    for (const std::wstring& line :
         wrap(marked(found.hits[i]), columns - 3 - static_cast<int>(name.size()), columns - 9)) {
      Row row;
      row.text = (bold ? std::wstring(1, kBold) : std::wstring()) + line;
      row.name = std::exchange(first, false) ? name : L"      ";
      row.name_style = m.mine ? A_BOLD : COLOR_PAIR(kName) | A_BOLD;
      for (const wchar_t c : line) bold = c == kBold || (bold && c != kPlain);
      rows.push_back(std::move(row));
    }
    set_mark(rows.back(), m);
  }
  draw_rows(rows, x, height, view);
}

void draw_state(const Picture& p, int y, int columns, const View& view) {
  std::wstring text = L" " + to_wide(p.self) + L" ·";
  attr_t style = A_REVERSE;
  switch (p.connection) {
    case client::ConnectionState::kOnline:
      text += L" online";
      break;
    case client::ConnectionState::kSyncing:
      text += L" catching up";
      break;
    case client::ConnectionState::kConnecting:
      text += L" connecting; what you write is kept and sent later";
      break;
    case client::ConnectionState::kOffline:
      text += L" offline";
      break;
    case client::ConnectionState::kSignedOut:
      text += L" signed out; quit and run kith login";
      style = A_REVERSE | COLOR_PAIR(kAlert);
      break;
  }
  if (p.connection != client::ConnectionState::kOnline && !p.connection_reason.empty()) {
    text += L" (" + to_wide(p.connection_reason) + L")";
  }
  if (!p.storage.empty()) {
    text += L" · this device cannot keep what arrives (" + to_wide(p.storage) + L")";
  }
  const auto refused = std::find_if(p.timeline.rbegin(), p.timeline.rend(),
                                    [](const auto& m) { return m.failure.has_value(); });
  if (refused != p.timeline.rend()) {
    text += L" · not sent (" + to_wide(refusal(*refused->failure)) + L"): /resend or /discard";
  }
  if (!p.typing.empty()) text += L" · " + to_wide(p.typing);
  if (view.scroll) text += L" · older messages, End for the newest";
  if (!view.notice.empty()) text = L" " + to_wide(view.notice);
  attrset(style);
  mvhline(y, 0, ' ', columns);
  put(y, 0, cut(text, columns));
  attrset(A_NORMAL);
}

}  // namespace

Painter::Painter() {
  initscr();
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(kAccent, COLOR_GREEN, -1);
    init_pair(kRead, COLOR_CYAN, -1);
    init_pair(kAlert, COLOR_RED, -1);
    init_pair(kName, COLOR_YELLOW, -1);
  }
}

Painter::~Painter() {
  endwin();
}

void Painter::draw(const Picture& picture, const LineEditor& editor, View& view) {
  int height = 0;
  int columns = 0;
  getmaxyx(stdscr, height, columns);
  erase();
  if (height < 5 || columns < 20) {
    put(0, 0, L"too small");
    refresh();
    return;
  }
  const int list = columns < kNarrow ? 0 : std::min(kListWidth, columns / 3);
  const int x = list ? list + 2 : 0;
  if (list) draw_list(picture, height - 2, list);
  if (picture.found) {
    draw_found(*picture.found, x, height - 2, columns - x, view);
  } else {
    draw_timeline(picture, x, height - 2, columns - x, view);
  }
  draw_state(picture, height - 2, columns, view);
  // The input line scrolls so that the cursor is always on it.
  const int room = columns - 3;
  std::size_t first = 0;
  int width = 0;
  for (std::size_t i = editor.cursor(); i > 0; --i) {
    width += width_of(editor.text()[i - 1]);
    if (width > room) {
      first = i;
      break;
    }
  }
  put(height - 1, 0, L"> " + cut(editor.text().substr(first), room));
  int cursor = 2;
  for (std::size_t i = first; i < editor.cursor(); ++i) cursor += width_of(editor.text()[i]);
  move(height - 1, cursor);
  refresh();
}

}  // namespace kith::cli
