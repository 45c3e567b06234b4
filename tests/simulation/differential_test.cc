// Two runs that differ only in secrets before a person give that person equal bytes, and a leak on
// purpose is found.
#include "tests/simulation/differential.h"

#include <gtest/gtest.h>

namespace kith::sim {
namespace {

constexpr std::uint64_t kSeeds = 60;

struct Hidden {
  const char* name;
  Secret secret;
};

class Differential : public ::testing::TestWithParam<Hidden> {};

TEST_P(Differential, TellsTheSame) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto difference = told_differently({seed, GetParam().secret, Rule::kNone});
    ASSERT_FALSE(difference) << "seed " << seed << ": " << *difference;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Differential,
                         ::testing::Values(Hidden{"AfterLeaving", Secret::kAfterLeaving},
                                           Hidden{"Block", Secret::kBlock},
                                           Hidden{"Contacts", Secret::kContacts},
                                           Hidden{"Reading", Secret::kReading},
                                           Hidden{"Devices", Secret::kDevices}),
                         [](const auto& each) { return std::string(each.param.name); });

struct Leak {
  const char* name;
  Secret secret;
  Rule rule;
};

class BrokenSecret : public ::testing::TestWithParam<Leak> {};

TEST_P(BrokenSecret, IsFound) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto difference = told_differently({seed, GetParam().secret, GetParam().rule});
    if (!difference) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), difference->c_str());
    return;
  }
  FAIL() << "no seed of 1.." << kSeeds << " shows it";
}

INSTANTIATE_TEST_SUITE_P(
    Each, BrokenSecret,
    ::testing::Values(Leak{"LeftViewStays", Secret::kAfterLeaving, Rule::kLeftViewStays},
                      Leak{"WithheldCount", Secret::kBlock, Rule::kWithheldCount},
                      Leak{"BlockIsNobody", Secret::kBlock, Rule::kBlockIsNobody},
                      Leak{"BlockIsSilent", Secret::kBlock, Rule::kBlockIsSilent},
                      Leak{"ContactsAreSilent", Secret::kContacts, Rule::kContactsAreSilent},
                      Leak{"PrivateReading", Secret::kReading, Rule::kPrivateReading},
                      Leak{"DevicesPrivate", Secret::kDevices, Rule::kDevicesPrivate}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kith::sim
