// OnlineRequests: requests that need a session: checked before they are sent, their answers read into values.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "client/connection.h"
#include "kith/core/done.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {

class OnlineRequests {
 public:
  // `changed` is called when the server has done something that a sync will show.
  OnlineRequests(Connection& connection, std::function<void()> changed)
      : connection_(connection), changed_(std::move(changed)) {}

  // `read` returns the answer's value, or nothing if the answer is of another kind (kProtocol then).
  template <class T, class Read>
  void ask(v1::ClientFrame& frame, Done<T> done, Read read) {
    if (Status s = validate(frame); !s) return done(s.error());
    connection_.request(frame, [done = std::move(done), read = std::move(read)](
                                   const v1::ServerFrame* answer, const Error& error) {
      if (!answer) return done(error);
      std::optional<T> value = read(*answer);
      done(value ? Result<T>(*std::move(value))
                 : make_error(ErrorCode::kProtocol, "the server answered with something else"));
    });
  }
  // Any answer but an error will do.
  void tell(v1::ClientFrame& frame, Done<void> done) {
    if (Status s = validate(frame); !s) return done(s.error());
    connection_.request(
        frame, [done = std::move(done)](const v1::ServerFrame* answer, const Error& error) {
          done(answer ? Status() : Status(error));
        });
  }
  // The same for what changes something of the account, which a sync shows then.
  void change(v1::ClientFrame& frame, Done<void> done) {
    tell(frame, [this, done = std::move(done)](Status s) {
      if (s) changed_();
      done(std::move(s));
    });
  }

 private:
  Connection& connection_;
  const std::function<void()> changed_;
};

}  // namespace kith::client
