// TokenRenewal: prolongs a session, by the next token, before the token that opened it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/credentials.h"
#include "client/request_table.h"
#include "client/server_time.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/timer.h"

namespace kith::v1 {
class ClientFrame;
}  // namespace kith::v1

namespace kith::client {

class TokenRenewal {
 public:
  struct Hooks {
    std::function<bool()> signed_in;
    std::function<void(v1::ClientFrame& frame, Reply reply)> request;
  };
  TokenRenewal(Scheduler& scheduler, Random& random, Credentials& credentials,
               const ServerTime& server_time, Hooks hooks);

  // The session ends at this time of the server; 0: never.
  void arm(std::uint64_t expires_ms);
  void stop() { timer_.stop(); }
  // Takes the token that was asked for to prolong the session; false: it was not, or there is none any more.
  bool take(const Result<std::string>& token);

 private:
  void try_again();

  Random& random_;
  Credentials& credentials_;
  const ServerTime& server_time_;
  const Hooks hooks_;
  bool asked_ = false;  // for a token to prolong the session
  Timer timer_;
};

}  // namespace kith::client
