// Answers find their calls.
#include "server/link/front_calls.h"

#include <utility>

namespace kith::server {

// All are taken first: a callback may call anew.
void FrontCalls::reject_all(const Error& error) {
  const auto open_replies = replies.take_all();
  auto open_looks = looks.take_all();
  auto open_reads = reads.take_all();
  auto open_walks = walks.take_all();
  auto open_commands = commands.take_all();
  auto open_dones = dones.take_all();
  for (const Reply& reply : open_replies) reply_error(reply, error);
  for (auto& look : open_looks) look(error);
  for (auto& read : open_reads) read(error);
  for (auto& walk : open_walks) walk(error);
  for (auto& command : open_commands) command(error);
  for (auto& done : open_dones) done(error);
}

void FrontCalls::replied(std::uint64_t call, std::string_view frame) {
  if (const auto reply = replies.take(call)) (*reply)(frame);
}

void FrontCalls::failed(std::uint64_t call, const Error& error) {
  if (const Reply* reply = replies.find(call)) reply->failed(error);
}

void FrontCalls::unanswered(std::uint64_t call) {
  replies.take(call);
}

void FrontCalls::looked(std::uint64_t call, const Result<std::optional<Conversation>>& found) {
  const auto look = looks.take(call);
  if (!look) return;
  if (!found) return (*look)(found.error());
  (*look)(*found ? &**found : nullptr);
}

void FrontCalls::read(std::uint64_t call, Result<std::vector<Event>>&& events) {
  if (const auto read = reads.take(call)) (*read)(std::move(events));
}

void FrontCalls::walked(std::uint64_t call, Result<HeadsPage>&& page) {
  if (const auto walk = walks.take(call)) (*walk)(std::move(page));
}

void FrontCalls::decided(std::uint64_t call, Result<Outcome>&& outcome) {
  if (auto command = commands.take(call)) (*command)(std::move(outcome));
}

void FrontCalls::done(std::uint64_t call, const Status& status) {
  if (const auto done = dones.take(call)) (*done)(status);
}

}  // namespace kith::server
