// EntryRequests is what may be asked before there is a session, and with a password: it counts what an address and an
// account try, asks SignIn, and answers late what is refused. It knows no connection, only the address of one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "kith/core/scheduler.h"
#include "server/auth/sign_in.h"
#include "server/budget/entry_budget.h"
#include "server/budget/refusal_log.h"
#include "server/dispatch/services.h"
#include "src/guard.h"

namespace kith::server {

// Loop thread. Answers may come inside the call.
class EntryRequests {
 public:
  struct Ports {
    SignIn& sign_in;
    EntryBudget& budget;
    RefusalLog& refusals;
    Services& services;
    Scheduler& scheduler;
  };
  // All must outlive it.
  explicit EntryRequests(const Ports& ports) : ports_(ports) {}

  // The fate of a connection after its entry was judged.
  enum class Connection : std::uint8_t { kStays, kEnds };
  using Judged = std::function<void(const Result<Admission>&, Connection)>;

  // A Hello. Too many refused tokens of one address are answered late, and end the connection.
  void admit(const v1::Hello& hello, const std::string& address, Judged judged);
  // kRateLimited comes late: a client that tries on without a pause keeps a connection busy, and nothing else.
  void sign_in(const v1::SignIn& typed, const std::string& address, Done<v1::SignedIn> done);
  void register_account(const v1::Register& typed, const std::string& address,
                        Done<v1::SignedIn> done);

  void renew(const Admission& current, const std::string& token, Done<Admission> done) {
    ports_.sign_in.renew(current, token, std::move(done));
  }
  [[nodiscard]] Result<std::string> ticket(const Admission& admission) const {
    return ports_.sign_in.ticket(admission);
  }
  // A password that a session proves counts as one that is said at a sign-in; kRateLimited at once. The caller ends
  // the account's other sessions.
  void change_password(const Admission& who, const std::string& address,
                       const v1::ChangePassword& request, Done<SignIn::Changed> done);
  // Ends the account and all its sessions.
  void delete_account(const Admission& who, const std::string& address, const std::string& password,
                      Done<void> done);

  // Attempts that were refused because of their number.
  [[nodiscard]] std::uint64_t rate_limited() const { return rate_limited_; }

 private:
  [[nodiscard]] std::int64_t now() const { return ports_.scheduler.clock().steady_ms(); }
  // Calls `answer` after a pause, with what is left of the time that the error says.
  void refuse_late(const Error& error, std::function<void(const Error&)> answer);
  // 0, or the milliseconds until the account may prove its password.
  [[nodiscard]] std::uint32_t begin_proof(const Admission& who, const std::string& address,
                                          SignInAttempt& tried);
  // The outcome of a password: right, wrong, or not checked.
  void tried(const SignInAttempt& attempt, const std::string& address, const Status& outcome);

  const Ports ports_;
  std::uint64_t rate_limited_ = 0;
  Guard guard_;
};

}  // namespace kith::server
