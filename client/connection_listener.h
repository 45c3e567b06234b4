// ConnectionListener: what a Connection asks of, and tells, the account that it belongs to.
#pragma once

#include <cstdint>
#include <string>

#include "kith/client/types.h"

namespace kith::v1 {
class ServerFrame;
class Welcome;
}  // namespace kith::v1

namespace kith::client {

class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  virtual std::uint64_t feed_cursor() = 0;
  // Welcome.run_id of the history that the cursor belongs to; empty: none yet.
  virtual std::string run_id() = 0;
  // The number of a Hello, above all earlier ones of this device.
  virtual std::uint64_t next_connect_no() = 0;
  // Signed in; requests may be made from here on.
  virtual void on_welcome(const v1::Welcome& welcome) = 0;
  // Everything that answers no request, and Pong.
  virtual void on_frame(const v1::ServerFrame& frame) = 0;
  // The session is gone; every request has been answered with kOffline before.
  virtual void on_lost() = 0;
  virtual void on_state(ConnectionState state, const Error& reason) = 0;
};

}  // namespace kith::client
