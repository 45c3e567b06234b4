// The client process that is killed: one device that writes to its rooms without a pause and keeps
// a journal.
#pragma once

#include <string>
#include <vector>

#include "kith/client/client.h"

namespace killing {

// Where a device keeps its things, and who it is.
struct Seat {
  std::string url;
  std::string ca_file;
  std::string dir;  // of all devices
  std::string handle;
  std::string device;

  [[nodiscard]] std::string path() const { return dir + "/" + handle + "-" + device; }
  [[nodiscard]] std::string journal() const { return path() + ".journal"; }
  [[nodiscard]] kith::client::ClientOptions options() const;
};

// The conversations of a seat, written "id" (a group) or "@handle" (a 1:1), separated by commas.
std::vector<kith::ConversationId> rooms_of(kith::client::Client& client, const std::string& rooms);

// All messages of a conversation that the client answers with, oldest first; online, holes are
// fetched on the way.
std::vector<kith::client::Message> everything(kith::client::Client& client,
                                              const kith::ConversationId& room);

// Writes until its standard input ends; `seed` also names this life of the process in its texts.
// Requests, one a line, each answered by one line: "drain" (stop writing and empty the outbox),
// "heads" (newest seq of each room), "fetch" (bring all of every history into the cache);
// "reconnect" has no answer. Returns the exit status.
int run_client(const Seat& seat, const std::string& rooms, unsigned seed);

}  // namespace killing
