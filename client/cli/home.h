// The home directory of kith: the account that is signed in, its token (mode 0600), its cache and
// the people it knows.
#pragma once

#include <string>
#include <vector>

#include "kith/core/result.h"

namespace kith::cli {

struct Account {
  std::string url;
  std::string handle;
  std::string ca;
  std::string token;
};

class Home {
 public:
  explicit Home(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string cache_dir(const Account& account) const;

  // Fails with kUnauthenticated if nobody is signed in, kIo if the file cannot be read.
  [[nodiscard]] Result<Account> load() const;
  // Replaces the account in one step; readable by its owner only. Fails with kIo.
  [[nodiscard]] Status save(const Account& account) const;

  // Handles that were used here. A file that is missing or unreadable means none.
  [[nodiscard]] std::vector<std::string> people() const;
  // Best effort: a name that is not remembered costs a name on the screen, no message.
  void remember(const std::string& handle) const;

 private:
  std::string directory_;
};

}  // namespace kith::cli
