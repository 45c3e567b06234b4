// kith: a terminal messenger on the public client API.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "client/cli/account_commands.h"
#include "client/cli/arguments.h"
#include "client/cli/commands.h"
#include "client/cli/printer.h"
#include "client/cli/screen.h"
#include "client/cli/session.h"
#include "client/cli/shown_text.h"
#include "kith/core/export.h"

namespace {

// Descriptors 0 to 2 are never those of a file of the account, also when they were closed at the
// start. Opened the wrong way round: what is printed to one that was closed is an error.
void keep_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int run(int argc, char** argv) {
  auto arguments = kith::cli::parse_arguments(argc, argv);
  if (!arguments) return kith::cli::complain(arguments.error());
  if (arguments->help) {
    kith::cli::standard_output().own(kith::cli::help_text());
    return kith::cli::kDone;
  }
  if (arguments->version) {
    kith::cli::standard_output().line(std::string("kith ") + kith::version());
    return kith::cli::kDone;
  }
  if (arguments->command.empty()) return kith::cli::run_screen(*arguments);
  return kith::cli::run_command(*arguments);
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  kith::cli::keep_memory_private();
  ::umask(077);                   // the account and its messages are its owner's alone
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error of the output
  kith::cli::use_utf8_locale();
  return kith::cli::finish(run(argc, argv));
}
