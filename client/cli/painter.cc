// Lays out what the screen shows.
#include "client/cli/painter.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "client/cli/session.h"

namespace kith::cli {
namespace {

constexpr int kListWidth = 24;
constexpr int kNarrow = 60;  // below: the timeline has the screen for itself
constexpr int kNameWidth = 16;
constexpr int kClock = 6;   // "12:34 "
constexpr int kIndent = 8;  // of further rows: behind where a name begins
constexpr int kQuote = 4;   // "┌ " and ": "
constexpr int kMark = 3;    // " ✓✓"
constexpr int kStateRows = 4;
constexpr Style kDim{false, true, false, Color::kNone};
constexpr Style kBold{true, false, false, Color::kNone};

// A row of the timeline, before it has its place.
struct Line {
  std::vector<Span> spans;
  MessageId id;
};

Span span(std::string_view text, Style style = {}) {
  return {ShownText::line(text), style};
}

std::string time_text(Timestamp time, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  std::strftime(text, sizeof text, format, &local);
  return text;
}

Span mark_of(const client::Message& m) {
  if (!m.mine) return {};
  switch (m.status) {
    case DeliveryStatus::kFailed:
      return span(" !", {true, false, false, Color::kAlert});
    case DeliveryStatus::kSending:
      return span(" …", kDim);
    case DeliveryStatus::kSent:
      return span(" ✓", kDim);
    case DeliveryStatus::kDelivered:
      return span(" ✓✓", kDim);
    case DeliveryStatus::kRead:
      return span(" ✓✓", {true, false, false, Color::kRead});
  }
  return {};
}

// The rows of what somebody wrote: `head` on the first, the others indented.
void add_text(std::vector<Line>& lines, const client::Message& m, std::vector<Span> head,
              const std::vector<ShownText>& text, Style style, int columns) {
  int used = 0;
  for (const Span& each : head) used += each.text.columns();
  bool first = true;
  for (const ShownText& line : text) {
    for (const ShownText& row :
         line.wrapped(first ? columns - used - kMark : columns - kIndent - kMark,
                      columns - kIndent - kMark)) {
      Line out;
      out.id = m.id;
      if (first) {
        out.spans = std::move(head);
      } else {
        out.spans.push_back(span(std::string(kIndent, ' ')));
      }
      first = false;
      out.spans.push_back({row, style});
      lines.push_back(std::move(out));
    }
  }
  lines.back().spans.push_back(mark_of(m));
}

// The writer and the text.
using Answered = std::optional<std::pair<std::string, std::string>>;

void add_message(std::vector<Line>& lines, const client::Message& m, const std::string& sender,
                 const Answered& answered, int columns) {
  const Span clock = span(time_text(m.time, "%H:%M "), kDim);
  if (m.kind != MessageKind::kText) {
    add_text(lines, m, {clock, span("* ", kDim)}, ShownText::lines(m.text), kDim, columns);
    return;
  }
  if (answered) {
    const ShownText who = ShownText::line(answered->first).cut(columns / 4);
    const ShownText text =
        ShownText::line(answered->second).cut(columns - kClock - kQuote - who.columns());
    lines.push_back({{span(std::string(kClock, ' ')),
                      span("┌ ", kDim),
                      {who, kDim},
                      span(": ", kDim),
                      {text, kDim}},
                     m.id});
  }
  const Style name_style{true, false, false, m.mine ? Color::kNone : Color::kName};
  const int name_width = std::min(kNameWidth, columns / 4);
  add_text(lines, m, {clock, {ShownText::line(sender).cut(name_width), name_style}, span(" ")},
           ShownText::lines(m.text), {}, columns);
}

void add_divider(std::vector<Line>& lines, const std::string& what, Style style, int columns) {
  const ShownText text = ShownText::line("── " + what + " ──").cut(columns);
  const int left = std::max((columns - text.columns()) / 2, 0);
  lines.push_back({{span(std::string(static_cast<std::size_t>(left), ' ')), {text, style}}, {}});
}

class Painting {
 public:
  Painting(const Picture& picture, View& view, int height, int width)
      : picture_(picture), view_(view) {
    frame_.height = height;
    frame_.width = width;
    frame_.lines.resize(static_cast<std::size_t>(height));
  }

  Frame finish(const LineEditor& editor) {
    int bottom = composer(editor);
    bottom = state(bottom);
    const int list = frame_.width < kNarrow ? 0 : kListWidth;
    if (list) conversations(bottom, list);
    const int x = list ? list + 2 : 0;
    const int columns = frame_.width - x;
    if (picture_.page) {
      page(*picture_.page, x, bottom, columns);
    } else if (picture_.found) {
      found(*picture_.found, x, bottom, columns);
    } else {
      timeline(x, bottom, columns);
    }
    return std::move(frame_);
  }

 private:
  void put(int y, int x, std::vector<Span> spans) {
    frame_.lines[static_cast<std::size_t>(y)].push_back({x, std::move(spans)});
  }
  // Both return how many lines are left above.
  int composer(const LineEditor& editor);
  int state(int bottom);
  std::string state_text() const;
  void conversations(int height, int width);
  void timeline(int x, int height, int columns);
  void found(const Found& found, int x, int height, int columns);
  void page(const Page& page, int x, int height, int columns);
  void stay(const std::vector<Line>& lines);
  void remember(const std::vector<Line>& lines, std::size_t end);
  // As many as there is room for below the title, the newest at the bottom.
  void scrolled(const std::vector<Line>& lines, int x, int height, int columns);

  const Picture& picture_;
  View& view_;
  Frame frame_;
};

int Painting::composer(const LineEditor& editor) {
  const int room = frame_.width - 3;  // the prompt, and the cursor behind the last character
  std::vector<ShownText> rows;
  for (const ShownText& line : ShownText::lines(editor.text())) {
    for (ShownText& row : line.broken(room)) rows.push_back(std::move(row));
  }
  // Where the text before the cursor ends is where the cursor stands.
  std::size_t y = 0;
  int x = 0;
  const auto before = ShownText::lines(editor.before_cursor());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto broken = before[i].broken(room);
    y += broken.size() - (i + 1 == before.size() ? 1 : 0);
    x = broken.back().columns();
  }
  const auto most = static_cast<std::size_t>(std::max(frame_.height / 4, 1));
  const std::size_t shown = std::min(rows.size(), most);
  const std::size_t first = y + 1 > shown ? y + 1 - shown : 0;
  const int top = frame_.height - static_cast<int>(shown);
  for (std::size_t i = 0; i < shown; ++i) {
    put(top + static_cast<int>(i), 0, {span(first + i == 0 ? "> " : "  "), {rows[first + i], {}}});
  }
  frame_.cursor_y = top + static_cast<int>(y - first);
  frame_.cursor_x = 2 + x;
  return top;
}

std::string Painting::state_text() const {
  std::string text = visible_name(picture_.self) + " · ";
  switch (picture_.connection) {
    case client::ConnectionState::kOnline:
      text += "online";
      break;
    case client::ConnectionState::kSyncing:
      text += "catching up";
      break;
    case client::ConnectionState::kConnecting:
      text += "connecting; what you write is kept and sent later";
      break;
    case client::ConnectionState::kOffline:
      text += "offline";
      break;
    case client::ConnectionState::kSignedOut:
      text += "signed out; quit and run kith login";
      break;
  }
  if (picture_.connection != client::ConnectionState::kOnline &&
      !picture_.connection_reason.empty()) {
    text += " (" + picture_.connection_reason + ")";
  }
  if (!picture_.storage.empty())
    text += " · this device cannot keep what arrives (" + picture_.storage + ")";
  const auto refused = std::find_if(picture_.timeline.rbegin(), picture_.timeline.rend(),
                                    [](const auto& m) { return m.failure.has_value(); });
  if (refused != picture_.timeline.rend())
    text += " · not sent (" + refusal(*refused->failure) + "): /resend or /discard";
  if (!picture_.typing.empty()) text += " · " + picture_.typing;
  if (picture_.page) {
    text += " · PgUp and PgDn scroll, Esc goes back";
  } else if (view_.selected) {
    text += picture_.found ? " · Enter opens it, Esc goes back"
                           : " · Enter answers it, /info who read it, Esc lets go";
  } else if (picture_.found) {
    text += " · Esc goes back";
  } else if (view_.scroll) {
    text += " · older messages, End for the newest";
  } else {
    text += " · /help";
  }
  return text;
}

int Painting::state(int bottom) {
  const bool alert = picture_.connection == client::ConnectionState::kSignedOut;
  const Style style{false, false, true, alert ? Color::kAlert : Color::kNone};
  const std::string text = view_.notice.empty() ? state_text() : view_.notice;
  auto rows = ShownText::line(text).wrapped(frame_.width - 2, frame_.width - 2);
  const auto most = static_cast<std::size_t>(std::clamp(bottom - 3, 1, kStateRows));
  if (rows.size() > most) rows.resize(most);
  const int top = bottom - static_cast<int>(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const int rest = std::max(frame_.width - 1 - rows[i].columns(), 0);
    put(top + static_cast<int>(i), 0,
        {span(" ", style),
         {rows[i], style},
         span(std::string(static_cast<std::size_t>(rest), ' '), style)});
  }
  return top;
}

void Painting::conversations(int height, int width) {
  int first = 0;
  if (picture_.open && static_cast<int>(*picture_.open) >= height)
    first = static_cast<int>(*picture_.open) - height + 1;
  for (int y = 0; y < height; ++y) {
    const std::size_t i = static_cast<std::size_t>(first + y);
    if (i >= picture_.conversations.size()) {
      put(y, width, {span("│", kDim)});
      continue;
    }
    const auto& c = picture_.conversations[i];
    std::string count;
    if (c.unread) count = " " + (c.unread > 999 ? "999+" : std::to_string(c.unread));
    const bool open = picture_.open && *picture_.open == i;
    const int room = width - 2 - static_cast<int>(count.size());
    const ShownText title = ShownText::line(picture_.titles[i]).cut(room);
    const Style style{c.unread > 0 && !open, false, open, Color::kNone};
    const int rest = room - title.columns();
    put(y, 0,
        {span(" ", style),
         {title, style},
         span(std::string(static_cast<std::size_t>(rest), ' '), style),
         span(count, {true, false, open, Color::kAccent}),
         span(" ", style),
         span("│", kDim)});
  }
}

// Counts `scroll` from what stood on the last row, since messages have come below it.
void Painting::stay(const std::vector<Line>& lines) {
  if (view_.scroll == 0 || view_.bottom.empty()) return;
  const auto first = std::find_if(lines.begin(), lines.end(),
                                  [this](const Line& each) { return each.id == view_.bottom; });
  if (first == lines.end()) return;
  const auto at = static_cast<std::size_t>(first - lines.begin()) + view_.bottom_row;
  const std::size_t below = lines.size() - std::min(at + 1, lines.size());
  view_.scroll += below - std::min(view_.painted, below);
}

void Painting::remember(const std::vector<Line>& lines, std::size_t end) {
  view_.painted = view_.scroll;
  view_.bottom = {};
  for (std::size_t i = end; i-- > 0;) {
    if (lines[i].id.empty()) continue;
    std::size_t first = i;
    while (first > 0 && lines[first - 1].id == lines[i].id) --first;
    view_.bottom = lines[i].id;
    view_.bottom_row = end - 1 - first;
    return;
  }
}

void Painting::scrolled(const std::vector<Line>& lines, int x, int height, int columns) {
  const auto space = static_cast<std::size_t>(std::max(height - 1, 1));
  const std::size_t total = lines.size();
  stay(lines);
  if (view_.selected) {  // all of it is to be seen, or its beginning
    std::size_t first = total;
    std::size_t last = 0;
    for (std::size_t i = 0; i < total; ++i) {
      if (lines[i].id != *view_.selected) continue;
      first = std::min(first, i);
      last = i;
    }
    if (first < total) {
      const std::size_t below = total - 1 - last;
      const std::size_t above = total - first;
      view_.scroll = std::min(view_.scroll, below);
      if (view_.scroll + space < above) view_.scroll = above - space;
    }
  }
  view_.scroll = std::min(view_.scroll, total > space ? total - space : 0);
  const std::size_t end = total - view_.scroll;
  const std::size_t begin = end > space ? end - space : 0;
  view_.at_oldest = begin == 0;
  remember(lines, end);
  int y = height - static_cast<int>(end - begin);
  for (std::size_t i = begin; i < end; ++i, ++y) {
    std::vector<Span> spans = lines[i].spans;
    if (view_.selected && !lines[i].id.empty() && lines[i].id == *view_.selected) {
      int used = 0;
      for (Span& each : spans) {
        each.style.reverse = true;
        each.style.dim = false;
        used += each.text.columns();
      }
      const int rest = std::max(columns - used, 0);
      spans.push_back(
          span(std::string(static_cast<std::size_t>(rest), ' '), {false, false, true, {}}));
    }
    put(y, x, std::move(spans));
  }
}

void Painting::timeline(int x, int height, int columns) {
  if (picture_.open) {
    const auto& c = picture_.conversations[*picture_.open];
    std::string title = picture_.titles[*picture_.open];
    if (c.type == ConversationType::kGroup)
      title +=
          " · " + std::to_string(c.member_count) + (c.member_count == 1 ? " member" : " members");
    if (c.role == MemberRole::kNone) title += " · left";
    if (!picture_.presence.empty()) title += " · " + picture_.presence;
    put(0, x, {{ShownText::line(title).cut(columns), kBold}});
  } else if (!picture_.wanted.empty()) {
    put(0, x, {{ShownText::line(picture_.wanted + " · nothing said yet").cut(columns), kBold}});
  }
  std::map<std::uint64_t, std::size_t> by_seq;
  for (std::size_t i = 0; i < picture_.timeline.size(); ++i)
    by_seq[picture_.timeline[i].seq.value] = i;
  std::vector<Line> lines;
  std::string day;
  for (std::size_t i = 0; i < picture_.timeline.size(); ++i) {
    const auto& m = picture_.timeline[i];
    if (std::string its = time_text(m.time, "%Y-%m-%d"); its != day) {
      day = std::move(its);
      add_divider(lines, time_text(m.time, "%A, %d %B %Y"), kDim, columns);
    }
    if (view_.first_new && m.id == *view_.first_new)
      add_divider(lines, "new", {false, false, false, Color::kAccent}, columns);
    Answered answered;
    if (const auto it = by_seq.find(m.reply_to.value); m.reply_to && it != by_seq.end())
      answered = {picture_.senders[it->second], picture_.timeline[it->second].text};
    add_message(lines, m, picture_.senders[i], answered, columns);
  }
  scrolled(lines, x, height, columns);
}

void Painting::found(const Found& found, int x, int height, int columns) {
  std::string title = "\"" + found.words + "\"";
  if (found.refused.empty()) title += " · ";
  if (found.refused.empty() && found.note != "searching")
    title += std::to_string(found.hits.size()) + " found";
  if (!found.note.empty()) title += (found.hits.empty() ? " " : ", ") + found.note;
  put(0, x, {{ShownText::line(title).cut(columns), kBold}});
  std::vector<Line> lines;
  for (const ShownText& row : ShownText::line(found.refused).wrapped(columns, columns))
    lines.push_back({{{row, {}}}, {}});
  for (std::size_t i = found.hits.size(); i-- > 0;) {
    const client::Message& m = found.hits[i].message;
    const std::string place = time_text(m.time, "%Y-%m-%d ") + found.titles[i];
    lines.push_back({{{ShownText::line(place).cut(columns), kDim}}, m.id});
    const Style name_style{true, false, false, m.mine ? Color::kNone : Color::kName};
    add_text(
        lines, m,
        {span(time_text(m.time, "%H:%M "), kDim),
         {ShownText::line(found.senders[i]).cut(std::min(kNameWidth, columns / 4)), name_style},
         span(" ")},
        ShownText::lines(m.text, Form::kTerminal, found.hits[i].matches), {}, columns);
  }
  scrolled(lines, x, height, columns);
}

void Painting::page(const Page& page, int x, int height, int columns) {
  put(0, x, {{ShownText::line(page.title).cut(columns), kBold}});
  std::vector<Line> lines;
  for (const std::string& text : page.lines) {
    bool first = true;
    for (const ShownText& row : ShownText::line(text).wrapped(columns, columns - 2)) {
      lines.push_back({{span(std::exchange(first, false) ? "" : "  "), {row, {}}}, {}});
    }
  }
  const auto space = static_cast<std::size_t>(std::max(height - 1, 1));
  if (std::exchange(view_.page, page.serial) != page.serial) view_.page_top = 0;
  const std::size_t end = lines.size() > space ? lines.size() - space : 0;
  view_.page_top = std::min(view_.page_top, end);
  int y = 1;
  for (std::size_t i = view_.page_top; i < lines.size() && y < height; ++i, ++y)
    put(y, x, std::move(lines[i].spans));
}

}  // namespace

Frame paint(const Picture& picture, const LineEditor& editor, View& view, int height, int width) {
  if (height < 5 || width < 20) {
    Frame small;
    small.height = std::max(height, 1);
    small.width = width;
    small.lines.resize(static_cast<std::size_t>(small.height));
    small.lines[0].push_back({0, {{ShownText::line("too small").cut(width), {}}}});
    return small;
  }
  return Painting(picture, view, height, width).finish(editor);
}

}  // namespace kith::cli
