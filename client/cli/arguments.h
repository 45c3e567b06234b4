// The command line of kith: which command, its words and its options.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kith/core/result.h"

namespace kith::cli {

struct Arguments {
  std::string command;             // empty: the full-screen messenger
  std::vector<std::string> words;  // what follows the command and is no option
  std::string url;
  std::string handle;
  std::string ca;
  std::string home;
  std::string name;   // display name
  std::string in;     // WHO: one conversation
  std::string reply;  // id of the message that is answered
  std::string token_file;  // login: holds a token of the host
  std::size_t limit = 20;
  bool yes = false;  // delete-account: without asking
  bool json = false;
  bool help = false;
  bool version = false;
};

// Fails with kInvalidArgument: one sentence that names the word it stumbled over.
Result<Arguments> parse_arguments(int argc, char** argv);

// The text of --help.
const char* help_text();

}  // namespace kith::cli
