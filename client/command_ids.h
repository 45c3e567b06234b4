// CommandIds: ids for messages and commands, made before they are stored or sent.
#pragma once

#include "client/connection.h"
#include "kith/core/random.h"
#include "src/uuid.h"

namespace kith::client {

class CommandIds {
 public:
  CommandIds(Connection& connection, Clock& clock, Random& random)
      : connection_(connection),
        random_(random),
        servers_clock_(connection.server_time(), clock),
        ids_(servers_clock_, random) {}

  // Others see the id of a message, and learn nothing by it: while connected it carries the server's time, as the
  // message itself does, so that the server's index grows at its end. Otherwise it is random, for when a person writes
  // without a connection is nobody's business, nor is what the device's clock says.
  MessageId next_message() { return connection_.ready() ? ids_.next() : random_uuid(random_); }
  // For a command that is sent at once or not at all.
  MessageId next_command() { return ids_.next(); }

 private:
  // The server's, as far as it is known.
  class ServersClock : public Clock {
   public:
    ServersClock(const ServerTime& time, Clock& own) : time_(time), own_(own) {}
    Timestamp wall() override { return {time_.told_ms()}; }
    std::int64_t steady_ms() override { return own_.steady_ms(); }

   private:
    const ServerTime& time_;
    Clock& own_;
  };

  Connection& connection_;
  Random& random_;
  ServersClock servers_clock_;
  UuidGenerator ids_;
};

}  // namespace kith::client
