// RequestTable: the requests that wait for an answer, each with its deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "kith/core/limits.h"
#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::v1 {
class ServerFrame;
}  // namespace kith::v1

namespace kith::client {

// The frame is null exactly if the error says something.
using Reply = std::function<void(const v1::ServerFrame* frame, const Error& error)>;

class RequestTable {
 public:
  // `doubt` is called when a request had as long as limits::request_limit and was not answered: every request is
  // answered within that, so the connection is in doubt. A shorter limit of a caller's own says nothing about it.
  RequestTable(Scheduler& scheduler, std::function<void()> doubt);
  ~RequestTable();
  RequestTable(const RequestTable&) = delete;
  RequestTable& operator=(const RequestTable&) = delete;

  // Ids are never used again, also not by a later session.
  [[nodiscard]] std::uint64_t next_id() { return next_id_++; }
  // Calls `reply` once: with the answer, or with kTimeout after `limit`.
  void add(std::uint64_t id, Reply reply, Millis limit);
  // Calls `reply` with `error` in a later turn of the loop.
  void refuse_later(Reply reply, const Error& error);
  // Returns false if no request of this id waits.
  bool answer(std::uint64_t id, const v1::ServerFrame* frame, const Error& error);
  [[nodiscard]] bool has(std::uint64_t id) const { return pending_.count(id) > 0; }
  // Answers every request that waits with `error`.
  void refuse_all(const Error& error);

 private:
  struct Pending {
    Reply reply;
    Scheduler::TimerId timer = 0;
  };

  Scheduler& scheduler_;
  const std::function<void()> doubt_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Pending> pending_;
  Guard guard_;
};

}  // namespace kith::client
