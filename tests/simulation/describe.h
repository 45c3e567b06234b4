// Words for the trace, and the difference between the server's state and a device's.
#pragma once

#include <string>

#include "client/engine.h"
#include "kith/v1/frame.pb.h"
#include "server/adapters/embedded/conversation_store_memory.h"

namespace kith::sim {

std::string describe(const v1::ServerFrame& frame);
std::string describe(const v1::ClientFrame& frame);
std::string describe(const server::LogEntry& entry);

// Empty: the device's view of the conversation is the server's. `reads`: it also gets the read
// marks of others.
std::string difference_of(const server::ConversationStoreMemory::Disk& store, const UserId& user,
                          const ConversationId& id, client::Engine& engine, bool reads);
// Empty: the device shows the account's settings as the server has them.
std::string difference_of(const server::UserRecord& user, client::Engine& engine);

}  // namespace kith::sim
