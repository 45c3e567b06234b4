// Views: observable lists kept up to date as diffs, at most one batch per
// limits::event_batch_interval. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/diff.h"
#include "client/history.h"
#include "kith/core/scheduler.h"

namespace kith::client {

class Views {
 public:
  using ListSink = std::function<void(std::vector<Diff<Conversation>>)>;
  using TimelineSink = std::function<void(std::vector<Diff<Message>>)>;

  Views(History& history, Scheduler& scheduler) : history_(history), scheduler_(scheduler) {}
  ~Views() { scheduler_.cancel(timer_); }
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  // The sink is called with a reset at once.
  void add_list(std::uint64_t id, ListSink sink) {
    List& view = lists_[id];
    view.sink = std::move(sink);
    view.shown = history_.conversations(limits::view_items_max);
    view.sink({reset(view.shown)});
  }
  void add_timeline(std::uint64_t id, const ConversationId& conversation, std::size_t window,
                    TimelineSink sink) {
    Timeline& view = timelines_[id];
    view.conversation = conversation;
    view.window = window;
    view.sink = std::move(sink);
    view.shown = history_.timeline(conversation, window);
    view.sink({reset(view.shown)});
  }
  void remove(std::uint64_t id) {
    lists_.erase(id);
    timelines_.erase(id);
  }

  // Something of the conversation changed.
  void touch(const ConversationId& conversation) {
    bool any = false;
    for (auto& [id, view] : lists_) any = view.dirty = true;
    for (auto& [id, view] : timelines_) {
      if (view.conversation == conversation) view.dirty = true;
      any |= view.dirty;
    }
    if (!any || timer_) return;
    timer_ = scheduler_.after(limits::event_batch_interval, [this] {
      timer_ = 0;
      flush();
    });
  }

  // Everything may have changed.
  void touch_all() {
    for (auto& [id, view] : timelines_) view.dirty = true;
    touch({});
  }

 private:
  struct List {
    ListSink sink;
    std::vector<Conversation> shown;
    bool dirty = false;
  };
  struct Timeline {
    ConversationId conversation;
    std::size_t window = 0;
    TimelineSink sink;
    std::vector<Message> shown;
    bool dirty = false;
  };
  template <class T>
  static Diff<T> reset(const std::vector<T>& items) {
    return {Diff<T>::Kind::kReset, 0, 0, items};
  }
  template <class View, class Items>
  static void refresh(View& view, Items now) {
    view.dirty = false;
    auto steps = diff(view.shown, now);
    view.shown = std::move(now);
    if (!steps.empty()) view.sink(std::move(steps));
  }
  void flush() {
    for (auto& [id, view] : lists_) {
      if (view.dirty) refresh(view, history_.conversations(limits::view_items_max));
    }
    for (auto& [id, view] : timelines_) {
      if (view.dirty) refresh(view, history_.timeline(view.conversation, view.window));
    }
  }

  History& history_;
  Scheduler& scheduler_;
  std::map<std::uint64_t, List> lists_;
  std::map<std::uint64_t, Timeline> timelines_;
  Scheduler::TimerId timer_ = 0;
};

}  // namespace kith::client
