// TypingNotice: tells the other side now and then that the person here is writing.
#pragma once

#include <chrono>
#include <cstdint>

#include "kith/client/client.h"
#include "kith/core/time.h"

namespace kith::cli {

class TypingNotice {
 public:
  explicit TypingNotice(client::Client& client) : client_(client) {}

  // Something is being written to `id`; empty: to nobody yet.
  void on_writing(const ConversationId& id) {
    const auto now = system_clock().steady_ms();
    if (id.empty() || now < again_) return;
    again_ = now + Millis(kEvery).count();
    sent_ = true;
    client_.set_typing(id, true);
  }
  // Nothing of it is left, or it is sent.
  void stop(const ConversationId& id) {
    if (sent_) client_.set_typing(id, false);
    sent_ = false;
    again_ = 0;
  }

 private:
  static constexpr auto kEvery = std::chrono::seconds(3);
  client::Client& client_;
  bool sent_ = false;
  std::int64_t again_ = 0;  // steady_ms: not before then
};

}  // namespace kith::cli
