// RequestTable: answers, deadlines and refusals.
#include "client/request_table.h"

#include <utility>

namespace kith::client {

RequestTable::RequestTable(Scheduler& scheduler, std::function<void()> doubt)
    : scheduler_(scheduler), doubt_(std::move(doubt)) {}

RequestTable::~RequestTable() {
  for (auto& [id, pending] : pending_) scheduler_.cancel(pending.timer);
}

void RequestTable::add(std::uint64_t id, Reply reply, Millis limit) {
  Pending& pending = pending_[id];
  pending.reply = std::move(reply);
  pending.timer = scheduler_.after(limit, [this, id, limit] {
    if (limit >= limits::request_limit) doubt_();
    answer(id, nullptr, make_error(ErrorCode::kTimeout, "the server did not answer in time"));
  });
}

void RequestTable::refuse_later(Reply reply, const Error& error) {
  scheduler_.post(guard_.wrap([reply = std::move(reply), error] { reply(nullptr, error); }));
}

bool RequestTable::answer(std::uint64_t id, const v1::ServerFrame* frame, const Error& error) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return false;
  const Pending pending = std::move(it->second);
  pending_.erase(it);
  scheduler_.cancel(pending.timer);
  pending.reply(frame, error);
  return true;
}

void RequestTable::refuse_all(const Error& error) {
  while (!pending_.empty()) answer(pending_.begin()->first, nullptr, error);
}

}  // namespace kith::client
