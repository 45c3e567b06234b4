// ChatWindow: what stands where, and which conversation is open.
#include "client/cli/chat_window.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

namespace kith::cli {
namespace {

constexpr int kHitsPage = 3;

}  // namespace

void ChatWindow::look() {
  const bool before = picture_.connection == client::ConnectionState::kSignedOut;
  picture_ = model_.picture();
  const bool signed_out = picture_.connection == client::ConnectionState::kSignedOut;
  if (signed_out && !before) view_.notice.clear();  // nothing stands in front of that
  if (!picture_.news.empty()) view_.notice = picture_.news;
  if (current_.empty()) return;
  if (picture_.open) {
    current_name_ = picture_.titles[*picture_.open];
    was_there_ = true;
  } else if (was_there_ && current_.is_group()) {  // refused, and gone for good
    close_current();
  } else {
    picture_.wanted = current_name_;
  }
}

void ChatWindow::close_current() {
  current_ = {};
  current_name_.clear();
  was_there_ = false;
  wanted_ = {};
}

void ChatWindow::refresh() {
  look();
  if (!wanted_.empty()) choose_wanted();
  // A page, a search or a text that is being written stays until the person leaves it.
  const bool busy = writing_ || picture_.found || picture_.page;
  if (!picture_.open && !picture_.conversations.empty() && current_.empty() && !busy)
    show(picture_.conversations[0].id);
  if (!picture_.made.empty() && !busy) show(picture_.made);
  unread_.mark_first_new(picture_, current_, view_);
  if (picture_.found && !view_.selected && !picture_.found->hits.empty())
    view_.selected = picture_.found->hits.front().message.id;
  unread_.mark_read(client_, picture_, view_);
}

void ChatWindow::show(const ConversationId& id) {
  if (current_ != id) {
    composing(false);
    current_ = id;
    current_name_.clear();
    was_there_ = false;
    unread_.on_other();
  }
  if (id != wanted_) wanted_ = {};
  view_.scroll = 0;
  view_.selected.reset();
  view_.first_new.reset();
  for (const auto& c : picture_.conversations) {
    if (c.id == id) unread_.on_open(c);
  }
  while (model_.go_back()) {
  }
  model_.open(id);
  look();
}

// A 1:1 that has just come into being: watched again now that the other person is known.
void ChatWindow::choose_wanted() {
  for (const auto& c : picture_.conversations) {
    if (c.id != wanted_) continue;
    wanted_ = {};
    model_.open(c.id);
    look();
    return;
  }
}

bool ChatWindow::say(std::string notice) {
  view_.notice = std::move(notice);
  return false;
}

bool ChatWindow::send(const std::string& text) {
  if (text.find_first_not_of(" \n\t") == std::string::npos) return true;
  if (current_.empty()) return say("Nobody to talk to yet: /to WHO opens a conversation.");
  const client::Message* answered = picture_.found ? nullptr : selected();
  auto id = client_.send(current_, text, answered ? answered->id : MessageId{});
  if (!id) return say(id.error().message);  // the text stays
  composing(false);
  to_newest();
  while (model_.go_back()) {
  }
  return true;
}

void ChatWindow::composing(bool something) {
  something ? typing_.on_writing(current_) : typing_.stop(current_);
}

bool ChatWindow::go_back() {
  if (picture_.page) return model_.go_back();
  const bool left = view_.selected.has_value() || view_.scroll > 0;
  view_.selected.reset();
  view_.scroll = 0;
  return model_.go_back() || left;
}

void ChatWindow::move(int by) {
  if (picture_.found && !picture_.page) return select(by);
  const auto count = static_cast<int>(picture_.conversations.size());
  if (count == 0) return;
  const int now = picture_.open ? static_cast<int>(*picture_.open) : -1;
  const int to = std::clamp(now + by, 0, count - 1);
  if (to != now) show(picture_.conversations[static_cast<std::size_t>(to)].id);
}

void ChatWindow::go_to(std::size_t place) {
  if (place < picture_.conversations.size()) {
    show(picture_.conversations[place].id);
  } else {
    view_.notice = "There is no conversation " + std::to_string(place + 1) + ".";
  }
}

void ChatWindow::next_unread() {
  const std::size_t count = picture_.conversations.size();
  const std::size_t from = picture_.open ? *picture_.open + 1 : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& c = picture_.conversations[(from + i) % count];
    if (c.unread > 0 && c.id != current_) return show(c.id);
  }
  view_.notice = "Nothing else is unread.";
}

const client::Message* ChatWindow::selected() const {
  if (!view_.selected) return nullptr;
  for (const auto& m : picture_.timeline) {
    if (m.id == *view_.selected) return &m;
  }
  return nullptr;
}

void ChatWindow::select(int by) {
  std::vector<MessageId> ids;  // in the order of the screen
  if (picture_.found) {
    for (auto hit = picture_.found->hits.rbegin(); hit != picture_.found->hits.rend(); ++hit)
      ids.push_back(hit->message.id);
  } else {
    for (const auto& m : picture_.timeline) {
      if (m.kind == MessageKind::kText) ids.push_back(m.id);
    }
  }
  if (ids.empty()) return;
  const auto now = view_.selected ? std::find(ids.begin(), ids.end(), *view_.selected) : ids.end();
  const auto at = now - ids.begin() + by;
  if (at < 0) {
    if (!picture_.found && !model_.open_further()) view_.notice = "What is older: kith history.";
  } else if (at < static_cast<std::ptrdiff_t>(ids.size())) {
    view_.selected = ids[static_cast<std::size_t>(at)];
  } else if (!picture_.found) {
    to_newest();
  }
}

void ChatWindow::scroll(int rows) {
  if (picture_.page) {
    const auto by = static_cast<std::size_t>(std::abs(rows));
    view_.page_top = rows < 0 ? view_.page_top + by : view_.page_top - std::min(by, view_.page_top);
    return;
  }
  if (picture_.found) return select(rows > 0 ? -kHitsPage : kHitsPage);
  view_.selected.reset();
  if (rows < 0) {
    view_.scroll -= std::min(view_.scroll, static_cast<std::size_t>(-rows));
    return;
  }
  view_.scroll += static_cast<std::size_t>(rows);
  if (view_.at_oldest && !model_.open_further()) view_.notice = "What is older: kith history.";
}

void ChatWindow::to_newest() {
  view_.scroll = 0;
  if (!picture_.found) view_.selected.reset();
}

// The hit in its conversation.
bool ChatWindow::open_selected() {
  const auto& hits = picture_.found->hits;
  const auto hit = std::find_if(hits.begin(), hits.end(), [this](const auto& each) {
    return view_.selected && each.message.id == *view_.selected;
  });
  if (hit == hits.end()) return false;
  const client::Message message = hit->message;
  show(message.conversation);
  if (message.seq && !model_.reach(message.conversation, message.seq))
    say("It is older than the screen can go back; kith history --limit shows it.");
  view_.selected = message.id;
  look();
  return true;
}

void ChatWindow::want(const ConversationId& id, const std::string& name) {
  wanted_ = id;
  current_name_ = name;
  look();
}

const client::Conversation* ChatWindow::group() {
  if (picture_.open && picture_.conversations[*picture_.open].type == ConversationType::kGroup)
    return &picture_.conversations[*picture_.open];
  say("This is no group.");
  return nullptr;
}

}  // namespace kith::cli
