// FrontCalls: the calls of the front of the server that wait for an answer of a partition.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "server/conversation/partition_owner.h"
#include "server/link/open_calls.h"

namespace kith::server {

// Numbers are those of OpenCalls; an answer to a call that does not wait any more is dropped.
struct FrontCalls {
  OpenCalls<Reply> replies;
  OpenCalls<Done<const Conversation*>> looks;
  OpenCalls<Done<std::vector<Event>>> reads;
  OpenCalls<Done<HeadsPage>> walks;
  OpenCalls<CommandAnswer> commands;
  OpenCalls<Done<void>> dones;

  void reject_all(const Error& error);

  void replied(std::uint64_t call, std::string_view frame);
  void failed(std::uint64_t call, const Error& error);
  void unanswered(std::uint64_t call);
  void looked(std::uint64_t call, const Result<std::optional<Conversation>>& found);
  void read(std::uint64_t call, Result<std::vector<Event>>&& events);
  void walked(std::uint64_t call, Result<HeadsPage>&& page);
  void decided(std::uint64_t call, Result<Outcome>&& outcome);
  void done(std::uint64_t call, const Status& status);
};

}  // namespace kith::server
