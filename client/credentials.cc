// Credentials: tickets before tokens, one question to the application at a time.
#include "client/credentials.h"

#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

// A ticket is left alone a minute before it ends: clocks of two machines tick differently.
constexpr Millis kTicketUsable = limits::resume_ticket_life - 1min;

}  // namespace

Credentials::Credentials(Scheduler& scheduler, TokenProvider provider,
                         std::function<void(const Result<std::string>&)> on_token)
    : scheduler_(scheduler), provider_(std::move(provider)), on_token_(std::move(on_token)) {}

bool Credentials::choose() {
  shows_ticket_ = !ticket_.empty() && scheduler_.clock().steady_ms() < ticket_until_;
  return shows_ticket_ || !token_.empty();
}

void Credentials::show(v1::Hello& hello) const {
  if (shows_ticket_) {
    hello.set_resume_ticket(ticket_);
  } else {
    hello.set_access_token(token_);
  }
}

// The application answers on a thread of its own, perhaps when this object is gone.
void Credentials::ask() {
  if (asked_) return;
  asked_ = true;
  auto take = guard_.wrap([this](const Result<std::string>& token) {
    asked_ = false;
    on_token_(token);
  });
  provider_([scheduler = &scheduler_, take](Result<std::string> token) {
    scheduler->post([take, token = std::move(token)]() mutable { take(token); });
  });
}

bool Credentials::give_another_chance() {
  if (std::exchange(another_tried_, true)) return false;
  ended_token_ = std::exchange(token_, "");
  ticket_.clear();
  return true;
}

void Credentials::on_welcome(const std::string& ticket) {
  another_tried_ = false;
  ticket_ = ticket;
  ticket_until_ = scheduler_.clock().steady_ms() + kTicketUsable.count();
}

void Credentials::replace(const std::string& token) {
  token_ = token;
  ticket_.clear();
}

void Credentials::drop_ticket() {
  ticket_.clear();
  shows_ticket_ = false;
}

void Credentials::forget() {
  token_.clear();
  ticket_.clear();
}

}  // namespace kith::client
