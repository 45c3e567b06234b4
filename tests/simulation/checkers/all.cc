// The list of all checkers.
#include "tests/simulation/checker.h"
#include "tests/simulation/checkers/accounts.h"
#include "tests/simulation/checkers/answers.h"
#include "tests/simulation/checkers/blocks.h"
#include "tests/simulation/checkers/budget.h"
#include "tests/simulation/checkers/by_hand.h"
#include "tests/simulation/checkers/cache.h"
#include "tests/simulation/checkers/membership.h"
#include "tests/simulation/checkers/messages.h"
#include "tests/simulation/checkers/missed.h"
#include "tests/simulation/checkers/order.h"
#include "tests/simulation/checkers/partitions.h"
#include "tests/simulation/checkers/privacy.h"
#include "tests/simulation/checkers/search.h"
#include "tests/simulation/checkers/watermarks.h"

namespace kith::sim {

Checkers all_checkers(const Truth& truth, Findings& findings) {
  Checkers checkers;
  checkers.push_back(std::make_unique<PartitionsChecker>(truth, findings));
  checkers.push_back(std::make_unique<MessagesChecker>(truth, findings));
  checkers.push_back(std::make_unique<OrderChecker>(truth, findings));
  checkers.push_back(std::make_unique<CacheChecker>(truth, findings));
  checkers.push_back(std::make_unique<WatermarksChecker>(truth, findings));
  checkers.push_back(std::make_unique<PrivacyChecker>(truth, findings));
  checkers.push_back(std::make_unique<BlocksChecker>(truth, findings));
  checkers.push_back(std::make_unique<MembershipChecker>(truth, findings));
  checkers.push_back(std::make_unique<SearchChecker>(truth, findings));
  checkers.push_back(std::make_unique<AnswersChecker>(truth, findings));
  checkers.push_back(std::make_unique<AccountsChecker>(truth, findings));
  checkers.push_back(std::make_unique<BudgetChecker>(truth, findings));
  checkers.push_back(std::make_unique<ByHandChecker>(truth, findings));
  checkers.push_back(std::make_unique<MissedChecker>(truth, findings));
  return checkers;
}

}  // namespace kith::sim
