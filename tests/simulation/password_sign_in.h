// PasswordSignIn requests a token from the server with a password, over one short-lived connection,
// as Client::sign_in() does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/transport.h"
#include "kith/core/ids.h"
#include "kith/core/scheduler.h"

namespace kith::sim {

// The password of an account that the server keeps, as far as its owner knows it: after a change
// whose answer was lost it is one of several. The likeliest one is the first.
class Credentials {
 public:
  [[nodiscard]] const std::string& likeliest() const { return passwords_.front(); }
  [[nodiscard]] std::size_t count() const { return passwords_.size(); }
  // It may be this one from now on …
  void maybe(const std::string& password);
  // … it is this one, or one that was thought of later …
  void right(const std::string& password);
  // … it is not: the others come first.
  void wrong(const std::string& password);

 private:
  std::vector<std::string> passwords_;
  std::vector<std::string> thought_of_;  // in order
};

class PasswordSignIn : private client::TransportListener {
 public:
  using Done = std::function<void(Result<std::string>)>;
  // Begins. Calls `done` once, with a token or the server's last error, unless this object is destroyed before.
  PasswordSignIn(client::TransportFactory& transports, Scheduler& scheduler, std::string handle,
                 const DeviceId& device, Credentials& account, Done done);
  ~PasswordSignIn() override;

 private:
  void on_open() override { say(); }
  void on_message(std::string_view message) override;
  void on_close(std::uint16_t code, const Error& error) override;
  void say();
  void answer(Result<std::string> token);

  Scheduler& scheduler_;
  const std::string handle_;
  const DeviceId device_;
  Credentials& account_;
  std::string tried_;
  std::size_t left_;
  Done done_;
  std::uint64_t last_request_ = 0;
  Scheduler::TimerId limit_ = 0;
  std::unique_ptr<client::Transport> transport_;
};

}  // namespace kith::sim
