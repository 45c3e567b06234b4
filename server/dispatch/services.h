// Services is what the dispatcher reaches behind it: everything that answers what sessions ask. Loop thread.
#pragma once

#include <string>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/feed_store.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"

namespace kith {
struct RequestView;
}
namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

class Services {
 public:
  virtual ~Services() = default;

  // Handles one valid request; frame and reply may be moved from. Returns false if no service knows the request: then
  // the reply is as it was. `reply` is null for frames that have no answer.
  virtual bool handle(const Caller& caller, v1::ClientFrame& frame, Reply& reply) = 0;
  // The same for what a RequestView holds, which is nearly every request.
  virtual void fast_path(const Caller& caller, const RequestView& request, Reply&& reply) = 0;

  virtual void session_opened(const Caller& caller, bool active, const std::string& agent) = 0;
  virtual void session_closed(const Caller& caller) = 0;
  virtual void session_active(const Caller& caller, bool active) = 0;

  // Whether the user shares what they read and sees what others read; false if the record is not in memory.
  [[nodiscard]] virtual bool shares_receipts(const UserId& user) const = 0;
  virtual void feed_high(const UserId& user, Done<FeedVersion> done) = 0;
  // Ends the user's account for good, with all its sessions once `done` has been called.
  virtual void remove_account(const UserId& user, Done<void> done) = 0;
  // A request met a failure of the server's own.
  virtual void failed(const Error& error) = 0;
};

}  // namespace kith::server
