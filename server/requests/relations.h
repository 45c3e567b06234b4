// Relations: the questions of the conversations to the people: may somebody be let into a conversation, and has one of
// two blocked the other; and the costs that the conversations find out. Everything else that conversations depend on is
// in the log.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kith/core/done.h"
#include "kith/server/ports/directory.h"
#include "server/requests/caller.h"

namespace kith::server {

// Answers may come inside the call. Answers of relation() about one person come in the order of the questions, and
// where there is one home, so do all others.
class Relations {
 public:
  virtual ~Relations() = default;

  // Answers, ascending, what the existing users among `ids` let the caller do; `ids` ascend and name each once.
  // kRateLimited: the caller has asked for too many people, and nobody was looked up.
  virtual void consents(const Caller& caller, const std::vector<UserId>& ids,
                        Done<std::vector<Consent>> done) = 0;
  // Charges the caller for a refusal that shows something of `people` people.
  virtual void charge(const Caller& caller, std::uint32_t people) = 0;
  // Charges the caller for acknowledging `heads` conversations that are not in memory: each may cost a visit of the
  // store.
  virtual void charge_loads(const Caller& caller, std::uint32_t heads) = 0;
  // Answers what `user` lets `other` do, with whom they have a 1:1; nullopt: the account of `user` was deleted. Costs
  // nothing.
  virtual void relation(const UserId& user, const UserId& other,
                        Done<std::optional<Consent>> done) = 0;
};

}  // namespace kith::server
