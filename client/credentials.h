// Credentials: what opens a session: the token that the application provides, and the ticket that spares it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "kith/client/options.h"
#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::v1 {
class Hello;
}  // namespace kith::v1

namespace kith::client {

class Credentials {
 public:
  // `on_token` gets each answer of the provider, on the loop.
  Credentials(Scheduler& scheduler, TokenProvider provider,
              std::function<void(const Result<std::string>&)> on_token);

  // Chooses what the next Hello shows; false: there is neither a ticket nor a token.
  bool choose();
  void show(v1::Hello& hello) const;
  [[nodiscard]] bool shows_ticket() const { return shows_ticket_; }

  [[nodiscard]] bool can_ask() const { return static_cast<bool>(provider_); }
  // Asks the application for a token, unless it is being asked already.
  void ask();
  void keep(const std::string& token) { token_ = token; }
  [[nodiscard]] const std::string& token() const { return token_; }

  // Once until the next Welcome: the token has ended, another may do. True: it is to be asked for.
  bool give_another_chance();
  void allow_another_chance() { another_tried_ = false; }
  // The token is another one than the last that has ended.
  [[nodiscard]] bool is_another() const { return token_ != ended_token_; }

  void on_welcome(const std::string& ticket);
  // The server has replaced the token of this account: earlier ones and the ticket are refused.
  void replace(const std::string& token);
  void drop_token() { token_.clear(); }
  void drop_ticket();
  void forget();

 private:
  Scheduler& scheduler_;
  const TokenProvider provider_;
  const std::function<void(const Result<std::string>&)> on_token_;
  std::string token_;
  std::string ended_token_;  // refused before
  bool asked_ = false;       // single flight
  bool another_tried_ = false;
  std::string ticket_;
  std::int64_t ticket_until_ = 0;
  bool shows_ticket_ = false;
  Guard guard_;
};

}  // namespace kith::client
