// Keeps what the screen shows.
#include "client/cli/chat_model.h"

#include <algorithm>
#include <ctime>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

constexpr std::size_t kWindow = 500;  // messages at first, and further ones at a time
constexpr std::size_t kPage = 100;    // asked of the server at a time

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

std::string short_time(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%d.%m. %H:%M", &local);
  return text;
}

}  // namespace

ChatModel::ChatModel(client::Client& client, const Home& home, const std::string& handle,
                     std::function<void()> changed)
    : client_(client),
      changed_(std::move(changed)),
      names_(home, handle, [&client](const UserId& user) { return client.profile(user); }),
      self_(handle) {
  link_->model = this;
  connection_ = client_.connection();
  events_ = client_.on_event([this](const client::Event& event) { on_event(event); });
  list_ = client_.observe_conversations([this](const auto& diffs) {
    {
      const std::lock_guard lock(mutex_);
      apply(conversations_, diffs);
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
    found_.reset();
    open_ = id;
    timeline_.clear();
    for (const auto& c : conversations_) {
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
    if (timeline_.size() < window_) oldest = timeline_.empty() ? Seq() : timeline_.front().seq;
  }
  if (oldest) {  // all that this device holds is shown; what the server has comes into the view
    if (oldest->value > 1) client_.history(open_, *oldest, kPage, [](const auto&) {});
    return true;
  }
  window_ = std::min(window_ + kWindow, limits::view_items_max);
  observe_open();
  return true;
}

void ChatModel::observe_open() {
  messages_.reset();
  messages_ = client_.observe_timeline(open_, window_, [this](const auto& diffs) {
    {
      const std::lock_guard lock(mutex_);
      apply(timeline_, diffs);
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
    found_ = Found{words, {}, {}, {}, "searching"};
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
    if (!found_ || found_->words != words) return;  // another search has begun, or it was left
    found_ = Found{words, {}, {}, {}, ""};
    if (!page) {
      found_->note = page.error().message;
    } else {
      found_->hits = page->hits;
      if (!page->complete) found_->note = "of what this device holds";
      if (!page->next.empty()) found_->note = "the newest of more; kith search prints all";
    }
    for (const client::SearchHit& hit : found_->hits) {
      const auto c =
          std::find_if(conversations_.begin(), conversations_.end(),
                       [&](const auto& each) { return each.id == hit.message.conversation; });
      found_->titles.push_back(c == conversations_.end() ? "" : names_.title(*c));
      found_->senders.push_back(hit.message.mine ? "you" : names_.of(hit.message.sender));
    }
  }
  changed_();
}

bool ChatModel::forget_search() {
  const std::lock_guard lock(mutex_);
  const bool shown = found_.has_value();
  found_.reset();
  return shown;
}

void ChatModel::on_event(const client::Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto* c = std::get_if<client::ConnectionChanged>(&event)) {
      connection_ = c->state;
      connection_reason_ = c->reason.code == ErrorCode::kCancelled ? "" : c->reason.message;
    } else if (const auto* t = std::get_if<client::TypingChanged>(&event)) {
      if (t->typing) {
        typing_[t->conversation] = t->user;
      } else {
        typing_.erase(t->conversation);
      }
    } else if (const auto* p = std::get_if<client::PresenceChanged>(&event)) {
      presence_[p->user] = *p;
    } else if (const auto* s = std::get_if<client::StorageChanged>(&event)) {
      storage_ = s->working ? "" : s->reason.message;
    } else {
      return;  // the views bring it
    }
  }
  changed_();
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
  Picture out;
  out.conversations = conversations_;
  out.timeline = timeline_;
  out.self = self_;
  out.storage = storage_;
  out.found = found_;
  out.connection = connection_;
  out.connection_reason = connection_reason_;
  for (std::size_t i = 0; i < conversations_.size(); ++i) {
    const auto& c = conversations_[i];
    out.titles.push_back(names_.title(c));
    if (c.id != open_) continue;
    out.open = i;
    if (c.type == ConversationType::kDirect) out.presence = presence_of(c.peer);
  }
  for (const auto& m : timeline_) out.senders.push_back(m.mine ? "you" : names_.of(m.sender));
  if (const auto it = typing_.find(open_); it != typing_.end()) {
    out.typing = names_.of(it->second) + " is typing";
  }
  return out;
}

}  // namespace kith::cli
