// Opening the signed-in account, asking for passwords, and the sentences for what goes wrong.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/arguments.h"
#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

// See --help.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotSignedIn = 3,
  kQueued = 4,
  kOutputLost = 5
};

// Prints "kith: SENTENCE" on standard error.
void notice(const std::string& sentence);
// Prints what went wrong and what can be done; returns the exit code that fits.
int complain(const Error& error);
// Why a message failed, in words that go on after "refused: ".
std::string refusal(ErrorCode code);

// The server may be reached under another URL for once (--url, --ca); the cache stays the
// account's.
client::ClientOptions options_of(const Home& home, const Account& account,
                                 const Arguments& arguments);

// From $KITH_PASSWORD, from the terminal without echo, or from the first line of standard input.
Result<std::string> read_password(bool confirm);
// From $KITH_NEW_PASSWORD, or as above; always confirmed at a terminal.
Result<std::string> read_new_password();

// An account with its open client.
struct Session {
  Home home;
  Account account;
  std::unique_ptr<client::Client> client;
  std::mutex mutex;
  std::optional<Error> trouble;               // why the last attempt to connect failed
  std::vector<client::GroupRefused> refused;  // not discarded yet
  std::optional<Error> storage;               // why what arrives cannot be kept

  static void pause(std::chrono::milliseconds span);
  std::optional<Error> last_trouble() {
    const std::lock_guard lock(mutex);
    return trouble;
  }
  std::optional<Error> storage_trouble() {
    const std::lock_guard lock(mutex);
    return storage;
  }
  // Forgets the groups that the server has refused, which no later command could do anything with, and
  // tells why each was. With a group: that one alone, and untold; nothing if it was not refused.
  void discard_refused();
  std::optional<Error> discard_refused(const ConversationId& group);
};

// Opens the account and hands it to `body`; `online` first catches up with the server, and goes on
// from the cache if that fails. Returns the exit code.
int with_session(const Arguments& arguments, bool online, const std::function<int(Session&)>& body);
// Returns the conversation that WHO means. A group is looked for in what the server has, if it can be reached.
Result<ConversationId> find_conversation(Session& session, const std::string& who);
// As tail does it: what arrives is acknowledged when it has been printed.
int with_printing_session(const Arguments& arguments, const std::function<int(Session&)>& body);

}  // namespace kith::cli
