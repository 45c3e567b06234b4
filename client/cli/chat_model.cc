// Keeps what the screen shows.
#include "client/cli/chat_model.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

constexpr std::size_t kWindow = 500;  // messages at first, and further ones at a time
constexpr std::size_t kPage = 100;    // asked of the server at a time
constexpr std::size_t kAround = 20;   // messages before and after one that was found

template <class T>
void apply(std::vector<T>& rows, const std::vector<client::Diff<T>>& diffs) {
  using Kind = typename client::Diff<T>::Kind;
  const auto at = [&](std::size_t i) { return rows.begin() + static_cast<std::ptrdiff_t>(i); };
  for (const auto& diff : diffs) {
    switch (diff.kind) {
      case Kind::kReset:
        rows = diff.items;
        break;
      case Kind::kInsert:
        if (diff.index <= rows.size()) rows.insert(at(diff.index), diff.items.at(0));
        break;
      case Kind::kUpdate:
        if (diff.index < rows.size()) rows[diff.index] = diff.items.at(0);
        break;
      case Kind::kRemove:
        if (diff.index < rows.size()) rows.erase(at(diff.index));
        break;
      case Kind::kMove:
        if (diff.from < rows.size() && diff.index < rows.size()) {
          T row = std::move(rows[diff.from]);
          rows.erase(at(diff.from));
          rows.insert(at(diff.index), std::move(row));
        }
        break;
    }
  }
}

}  // namespace

std::string short_time(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

ChatModel::ChatModel(client::Client& client, const Home& home, const std::string& handle,
                     std::function<void()> changed)
    : client_(client),
      changed_(std::move(changed)),
      names_(home, handle, [&client](const UserId& user) { return client.profile(user); }) {
  base_.self = handle;
  link_->model = this;
  base_.connection = client_.connection();
  events_ = client_.on_event([this](const client::Event& event) { on_event(event); });
  list_ = client_.observe_conversations([this](const auto& diffs) {
    {
      const std::lock_guard lock(mutex_);
      apply(base_.conversations, diffs);
    }
    changed_();
  });
}

ChatModel::~ChatModel() {
  {
    const std::lock_guard lock(link_->mutex);
    link_->model = nullptr;
  }
  messages_.reset();
  list_.reset();
  events_.reset();
}

void ChatModel::open(const ConversationId& id) {
  messages_.reset();
  std::optional<UserId> peer;
  {
    const std::lock_guard lock(mutex_);
    open_ = id;
    base_.timeline.clear();
    for (const auto& c : base_.conversations) {
      if (c.id == id && c.type == ConversationType::kDirect) peer = c.peer;
    }
  }
  client_.watch_presence(peer ? std::vector<UserId>{*peer} : std::vector<UserId>{});
  window_ = kWindow;
  observe_open();
}

bool ChatModel::open_further() {
  if (open_.empty() || window_ >= limits::view_items_max) return false;
  std::optional<Seq> oldest;
  {
    const std::lock_guard lock(mutex_);
    if (base_.timeline.size() < window_)
      oldest = base_.timeline.empty() ? Seq() : base_.timeline.front().seq;
  }
  if (oldest) {  // all that this device holds is shown; what the server has comes into the view
    if (oldest->value > 1) client_.history(open_, *oldest, kPage, [](const auto&) {});
    return true;
  }
  window_ = std::min(window_ + kWindow, limits::view_items_max);
  observe_open();
  return true;
}

bool ChatModel::reach(const ConversationId& id, Seq seq) {
  std::uint64_t top = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& c : base_.conversations) {
      if (c.id == id) top = c.last_seq.value;
    }
  }
  if (top < seq.value || top - seq.value + kAround > limits::view_items_max) return false;
  window_ = std::max<std::size_t>(window_, top - seq.value + kAround);
  client_.history(id, Seq(seq.value + kAround), 2 * kAround, [](const auto&) {});
  observe_open();
  return true;
}

void ChatModel::observe_open() {
  messages_.reset();
  messages_ = client_.observe_timeline(open_, window_, [this](const auto& diffs) {
    {
      const std::lock_guard lock(mutex_);
      apply(base_.timeline, diffs);
    }
    changed_();
  });
}

void ChatModel::learn(const std::string& handle) {
  const std::lock_guard lock(mutex_);
  names_.learn(handle);
}

void ChatModel::search(const std::string& words) {
  {
    const std::lock_guard lock(mutex_);
    base_.page.reset();
    base_.found = Found{words, {}, {}, {}, "searching", ""};
  }
  client::SearchQuery query;
  query.text = words;
  query.limit = limits::search_page_max;
  client_.search(query, [link = link_, words](const Result<client::SearchPage>& page) {
    const std::lock_guard lock(link->mutex);
    if (link->model) link->model->on_found(words, page);
  });
}

void ChatModel::on_found(const std::string& words, const Result<client::SearchPage>& page) {
  {
    const std::lock_guard lock(mutex_);
    if (!base_.found || base_.found->words != words)
      return;  // another search has begun, or it was left
    base_.found = Found{words, {}, {}, {}, "", ""};
    if (!page) {
      base_.found->refused = page.error().message;
    } else {
      base_.found->hits = page->hits;
      if (!page->complete) base_.found->note = "of what this device holds";
      if (!page->next.empty()) base_.found->note = "the newest of more; kith search prints all";
    }
    for (const client::SearchHit& hit : base_.found->hits) {
      const auto c =
          std::find_if(base_.conversations.begin(), base_.conversations.end(),
                       [&](const auto& each) { return each.id == hit.message.conversation; });
      base_.found->titles.push_back(c == base_.conversations.end() ? "" : names_.title(*c));
      base_.found->senders.push_back(names_.of(hit.message.sender));
    }
  }
  changed_();
}

bool ChatModel::go_back() {
  const std::lock_guard lock(mutex_);
  const bool shown = base_.page || base_.found;
  if (base_.page) {
    base_.page.reset();
  } else {
    base_.found.reset();
  }
  return shown;
}

std::string ChatModel::why_refused(const Error& error) {
  const std::lock_guard lock(mutex_);
  return cli::why_refused(names_, error);
}

std::string ChatModel::name(const UserId& user) {
  const std::lock_guard lock(mutex_);
  return names_.of(user);
}

void ChatModel::show_page(std::string title, std::vector<std::string> lines) {
  {
    const std::lock_guard lock(mutex_);
    base_.page = Page{++pages_, std::move(title), std::move(lines)};
  }
  changed_();
}

void ChatModel::set_news(std::string news) {
  {
    const std::lock_guard lock(mutex_);
    base_.news = std::move(news);
  }
  changed_();
}

void ChatModel::set_made(const ConversationId& group) {
  {
    const std::lock_guard lock(mutex_);
    base_.made = group;
    base_.news = "The group is there.";
  }
  changed_();
}

std::vector<std::string> ChatModel::known() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> out;
  const auto add = [&](const UserId& user) {
    if (names_.knows(user)) out.insert(names_.exact(user));
  };
  for (const auto& c : base_.conversations) {
    if (c.type == ConversationType::kDirect) add(c.peer);
    if (c.type == ConversationType::kGroup && !c.title.empty()) out.insert("#" + c.title);
  }
  for (const auto& m : base_.timeline) add(m.sender);
  return {out.begin(), out.end()};
}

void ChatModel::on_event(const client::Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto* c = std::get_if<client::ConnectionChanged>(&event)) {
      base_.connection = c->state;
      base_.connection_reason = c->reason.code == ErrorCode::kCancelled ? "" : c->reason.message;
    } else if (const auto* t = std::get_if<client::TypingChanged>(&event)) {
      if (t->typing) {
        typing_[t->conversation] = t->user;
      } else {
        typing_.erase(t->conversation);
      }
    } else if (const auto* p = std::get_if<client::PresenceChanged>(&event)) {
      presence_[p->user] = *p;
    } else if (const auto* s = std::get_if<client::StorageChanged>(&event)) {
      base_.storage = s->working ? "" : s->reason.message;
    } else if (const auto* g = std::get_if<client::GroupRefused>(&event)) {
      refused_[g->group] = g->command;
      base_.news = cli::why_refused(names_, g->reason) + " /discard forgets the group.";
    } else {
      return;  // the views bring it
    }
  }
  changed_();
}

std::optional<MessageId> ChatModel::take_refused(const ConversationId& group) {
  const std::lock_guard lock(mutex_);
  const auto found = refused_.extract(group);
  return found ? std::optional(found.mapped()) : std::nullopt;
}

std::string ChatModel::presence_of(const UserId& user) const {
  const auto it = presence_.find(user);
  if (it == presence_.end()) return "";
  switch (it->second.presence) {
    case client::Presence::kOnline:
      return "online";
    case client::Presence::kOffline:
      return it->second.last_seen.ms ? "last seen " + short_time(it->second.last_seen) : "offline";
    case client::Presence::kUnknown:
      break;
  }
  return "";
}

Picture ChatModel::picture() {
  const std::lock_guard lock(mutex_);
  Picture out = base_;
  base_.news.clear();
  base_.made = {};
  for (std::size_t i = 0; i < base_.conversations.size(); ++i) {
    const auto& c = base_.conversations[i];
    out.titles.push_back(names_.title(c));
    if (c.id != open_) continue;
    out.open = i;
    if (c.type == ConversationType::kDirect) out.presence = presence_of(c.peer);
  }
  for (const auto& m : base_.timeline) out.senders.push_back(names_.of(m.sender));
  if (const auto it = typing_.find(open_); it != typing_.end()) {
    out.typing = names_.of(it->second) + " is typing";
  }
  return out;
}

}  // namespace kith::cli
