// Mailbox passes items from one thread to the loop of another, in order, with one wake-up per
// batch.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kith/core/executor.h"

namespace kith {

template <class T>
class Mailbox {
 public:
  using Reader = std::function<void(std::vector<T>&)>;

  // `reader` runs on `executor`, which must outlive the mailbox.
  Mailbox(Executor& executor, Reader reader) : box_(std::make_shared<Box>()), executor_(executor) {
    box_->reader = std::move(reader);
  }

  // Any thread.
  void put(T item) {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->closed) return;
      box_->items.push_back(std::move(item));
      if (std::exchange(box_->pending, true)) return;
    }
    executor_.post([box = box_] { box->read(); });
  }
  // Any thread. Takes all of them out of `items`.
  void put_all(std::vector<T>& items) {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->closed || box_->items.empty()) {
        box_->items.swap(items);  // keeps the memory of both
      } else {
        std::move(items.begin(), items.end(), std::back_inserter(box_->items));
      }
      items.clear();
      if (box_->closed) box_->items.clear();
      if (box_->closed || std::exchange(box_->pending, true)) return;
    }
    executor_.post([box = box_] { box->read(); });
  }
  // Stops calls to the reader. Thread of the reader.
  void close() {
    const std::lock_guard lock(box_->mutex);
    box_->closed = true;
    box_->items.clear();
  }
  [[nodiscard]] bool closed() const { return box_->closed; }
  // Calls the reader at once with what is there. Thread of the reader.
  void read_now() { box_->read(); }

 private:
  struct Box {
    std::mutex mutex;
    std::vector<T> items;
    bool pending = false;
    std::atomic<bool> closed{false};
    Reader reader;

    void read() {
      std::vector<T> batch;
      {
        const std::lock_guard lock(mutex);
        pending = false;
        if (closed) return;
        batch.swap(items);
      }
      if (!batch.empty()) reader(batch);
    }
  };
  std::shared_ptr<Box> box_;
  Executor& executor_;
};

}  // namespace kith
