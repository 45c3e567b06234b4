// Differential: a seed is run twice, and the runs differ only in data that one person, the victim, must not
// see. All frames from the server to the victim's devices must then be the same, byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/rules.h"

namespace kith::sim {

// A secret before the victim, which happens in the second run only.
enum class Secret : std::uint8_t {
  kAfterLeaving,  // events of a group after the victim has left it
  kBlock,         // somebody has blocked the victim, instead of keeping everybody away ("nobody")
  kContacts,      // somebody lets contacts, of whom the victim is none, instead of nobody
  kReading,       // somebody with receipts off reads
  kDevices,       // others have other devices, whose clocks are years off
};

struct DifferentialOptions {
  std::uint64_t seed = 1;
  Secret secret = Secret::kAfterLeaving;
  Rule broken = Rule::kNone;
};

// Returns the first difference between the bytes that the victim gets; nullopt if there is none.
std::optional<std::string> told_differently(const DifferentialOptions& options);

}  // namespace kith::sim
