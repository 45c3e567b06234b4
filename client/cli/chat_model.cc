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

std::string short_time(Timestamp time) {
  const std::time_t seconds = static_cast<std::time_t>(time.ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
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

bool ChatModel::reach(const ConversationId& id, Seq seq) {
  std::uint64_t top = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& c : conversations_) {
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
    page_.reset();
    found_ = Found{words, {}, {}, {}, "searching", ""};
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
    found_ = Found{words, {}, {}, {}, "", ""};
    if (!page) {
      found_->refused = page.error().message;
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
      found_->senders.push_back(names_.of(hit.message.sender));
    }
  }
  changed_();
}

bool ChatModel::go_back() {
  const std::lock_guard lock(mutex_);
  const bool shown = page_ || found_;
  if (page_) {
    page_.reset();
  } else {
    found_.reset();
  }
  return shown;
}

std::string ChatModel::name(const UserId& user) {
  const std::lock_guard lock(mutex_);
  return names_.of(user);
}

void ChatModel::show_page(std::string title, std::vector<std::string> lines) {
  {
    const std::lock_guard lock(mutex_);
    page_ = Page{++pages_, std::move(title), std::move(lines)};
  }
  changed_();
}

void ChatModel::set_news(std::string news) {
  {
    const std::lock_guard lock(mutex_);
    news_ = std::move(news);
  }
  changed_();
}

void ChatModel::set_made(const ConversationId& group) {
  {
    const std::lock_guard lock(mutex_);
    made_ = group;
    news_ = "The group is there.";
  }
  changed_();
}

std::vector<std::string> ChatModel::known() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> out;
  const auto add = [&](const UserId& user) {
    if (names_.knows(user)) out.insert(names_.exact(user));
  };
  for (const auto& c : conversations_) {
    if (c.type == ConversationType::kDirect) add(c.peer);
    if (c.type == ConversationType::kGroup && !c.title.empty()) out.insert("#" + c.title);
  }
  for (const auto& m : timeline_) add(m.sender);
  return {out.begin(), out.end()};
}

client::Done<void> ChatModel::tell(std::string done) {
  return back<void>([this, done = std::move(done)](const Result<void>& answer) {
    if (answer) return set_news(done);
    std::string reason;
    {
      const std::lock_guard lock(mutex_);
      reason = why_refused(names_, answer.error());
    }
    set_news(std::move(reason));
  });
}

void ChatModel::with_people(const std::vector<std::string>& handles,
                            std::function<void(std::vector<UserId>)> then) {
  client_.find_users(handles, back<std::vector<client::Profile>>(
                                  [this, handles, then = std::move(then)](const auto& profiles) {
                                    if (!profiles) return set_news(profiles.error().message);
                                    std::vector<UserId> users;
                                    std::string missing;
                                    for (const std::string& handle : handles) {
                                      users.push_back(UserId::of(handle));
                                      const bool there = std::any_of(
                                          profiles->begin(), profiles->end(),
                                          [&](const auto& p) { return p.user == users.back(); });
                                      if (!there) missing += (missing.empty() ? "" : ", ") + handle;
                                    }
                                    if (!missing.empty())
                                      return set_news("Nobody is called " + missing + ".");
                                    for (const std::string& handle : handles) learn(handle);
                                    then(std::move(users));
                                  }));
}

void ChatModel::show_members(const ConversationId& id, const std::string& title) {
  client_.members(id, back<std::vector<client::Member>>([this, title](const auto& members) {
                    if (!members) return set_news(members.error().message);
                    std::vector<std::string> lines;
                    for (const client::Member& m : *members) {
                      const char* role = m.role == MemberRole::kOwner   ? "  owner"
                                         : m.role == MemberRole::kAdmin ? "  admin"
                                                                        : "";
                      lines.push_back(name(m.user) + role);
                    }
                    show_page(title + " · members", std::move(lines));
                  }));
}

void ChatModel::show_readers(const ConversationId& id, Seq seq) {
  client_.readers(
      id, seq, back<client::Readers>([this](const auto& readers) {
        if (!readers) return set_news(readers.error().message);
        std::vector<std::string> lines;
        for (const client::Reader& r : readers->members) {
          lines.push_back(name(r.user) + (r.read ? "  ✓✓ read" : r.delivered ? "  ✓✓" : "  ✓"));
        }
        lines.push_back(std::to_string(readers->read_count) + " read, " +
                        std::to_string(readers->delivered_count) + " received it, of " +
                        std::to_string(readers->member_count) + " members with you");
        show_page("who has read it", std::move(lines));
      }));
}

void ChatModel::show_devices() {
  client_.devices(back<std::vector<client::Device>>([this](const auto& devices) {
    if (!devices) return set_news(devices.error().message);
    std::vector<std::string> lines;
    for (const client::Device& d : *devices) {
      lines.push_back(d.id.to_string());
      lines.push_back("  " + d.agent + ", " +
                      (d.current  ? "this device"
                       : d.online ? "online"
                                  : "signed in " + short_time(d.last_seen)));
    }
    lines.push_back("/revoke DEVICE signs one out, /revoke others all but this one.");
    show_page("devices", std::move(lines));
  }));
}

void ChatModel::show_people(const std::string& title, const std::vector<UserId>& users) {
  std::vector<std::string> lines;
  for (const UserId& user : users) lines.push_back(name(user));
  if (lines.empty()) lines.emplace_back("nobody");
  show_page(title, std::move(lines));
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
    } else if (const auto* g = std::get_if<client::GroupRefused>(&event)) {
      refused_[g->group] = g->command;
      news_ = why_refused(names_, g->reason) + " /discard forgets the group.";
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
  Picture out;
  out.conversations = conversations_;
  out.timeline = timeline_;
  out.self = self_;
  out.storage = storage_;
  out.found = found_;
  out.page = page_;
  out.news = std::exchange(news_, {});
  out.made = std::exchange(made_, {});
  out.connection = connection_;
  out.connection_reason = connection_reason_;
  for (std::size_t i = 0; i < conversations_.size(); ++i) {
    const auto& c = conversations_[i];
    out.titles.push_back(names_.title(c));
    if (c.id != open_) continue;
    out.open = i;
    if (c.type == ConversationType::kDirect) out.presence = presence_of(c.peer);
  }
  for (const auto& m : timeline_) out.senders.push_back(names_.of(m.sender));
  if (const auto it = typing_.find(open_); it != typing_.end()) {
    out.typing = names_.of(it->second) + " is typing";
  }
  return out;
}

}  // namespace kith::cli
