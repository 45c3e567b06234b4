// The home directory of kith: the account that is signed in, its token, its cache, and the people
// and groups that were used here. All of it is its owner's alone (0700, 0600).
#pragma once

#include <string>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"

namespace kith::cli {

struct Account {
  std::string url;
  std::string handle;
  std::string ca;
  std::string token;
  std::string token_file{};  // not empty: holds the token of the host that counts
};

class Home {
 public:
  explicit Home(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string cache_dir(const Account& account) const;

  // Creates the directory, and takes rights of others away from it and from kith's files in it. A
  // directory that holds other things too keeps its rights: then the sentence that says so comes
  // back. Fails with kIo.
  [[nodiscard]] Result<std::string> prepare() const;
  // Fails with kUnauthenticated if nobody is signed in, kIo if the file cannot be read.
  [[nodiscard]] Result<Account> load() const;
  // Replaces the account in one step; readable by its owner only. Fails with kIo.
  [[nodiscard]] Status save(const Account& account) const;

  // Handles that were used here. A file that is missing or unreadable means none.
  [[nodiscard]] std::vector<std::string> people() const;
  // Best effort: a name that is not remembered costs a name on the screen, no message.
  void remember(const std::string& handle) const;
  // The groups that a title has meant here so far.
  [[nodiscard]] std::vector<ConversationId> groups(const std::string& title) const;
  void remember_group(const std::string& title, const ConversationId& group) const;

 private:
  [[nodiscard]] std::vector<std::string> lines(const std::string& file) const;
  void add_line(const std::string& file, const std::string& line) const;

  std::string directory_;
};

}  // namespace kith::cli
