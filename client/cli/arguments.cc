// Reads the command line of kith and holds its help text.
#include "client/cli/arguments.h"

#include <charconv>
#include <cstdlib>
#include <map>
#include <set>

namespace kith::cli {
namespace {

constexpr std::size_t kLimitMax = 100'000;

constexpr char kHelp[] = R"(kith - a messenger for the terminal

Usage:
  kith                                  talk: full screen, works offline too
  kith register --url URL --handle YOU  create an account and sign in
  kith login --url URL --handle YOU     sign in to an account that exists

Messages:
  kith list                             conversations, most recent first
  kith send WHO TEXT...                 send a message and wait until the server has it
       [--reply ID]                     (options before WHO); an answer to that message
  kith history WHO [--limit N]          the newest messages, oldest first
  kith search WORDS...                  messages with all of these words, newest first;
       [--in WHO] [--limit N]           the last word may be unfinished, "words in quotation
                                        marks" stand together
  kith tail                             print messages as they arrive, until Ctrl-C
  kith read WHO                         everything there is read
  kith info WHO SEQ                     who has received and read a message

Groups:
  kith group TITLE HANDLE...            create a group with these people; prints its id
  kith members WHO                      who is in it
  kith add WHO HANDLE...                add people, remove them
  kith remove WHO HANDLE...
  kith leave WHO
  kith rename WHO TITLE
  kith role WHO HANDLE ROLE             owner, admin or member

People and the account:
  kith block [HANDLE...]                hear nothing of them; without a word: who is blocked
  kith unblock HANDLE...
  kith contact [HANDLE...]              your contacts, for the settings below
  kith uncontact HANDLE...
  kith privacy [SETTING VALUE]          who sees what of you
  kith name NAME                        how you are called beside your handle
  kith devices                          where you are signed in
  kith revoke DEVICE|others             sign a device out
  kith passwd                           another password; other devices are signed out
  kith delete-account                   end the account for good; your messages stay with others

WHO is a person by the exact handle (bob or @bob), a group by its title (#title), or a conversation
id as list --json prints it. A title that fits several groups is refused. TEXT of - is read from
standard input.

Options:
  --home DIR     where the account and its messages are kept (default: $KITH_HOME or ~/.kith)
  --url URL      the server, wss://host:port/v1/ws
  --ca FILE      certificates to trust, PEM (default: those of the system)
  --handle YOU   your user name on that server
  --name NAME    the name that others see (register only; default: your handle)
  --in WHO       search in this conversation alone
  --reply ID     send: the message that is answered
  --token-file FILE  login: a token of the host instead of a password; the file is read again
                 whenever a token is needed
  --yes          delete-account: do not ask
  --limit N      how many messages history and search print (default: 20)
  --json         one JSON object a line
  --version      print the version
  --help         print this text

The password is asked for, or taken from $KITH_PASSWORD, or from the first line of standard input
(a new one from $KITH_NEW_PASSWORD, or the next line). A crash writes no memory to the disk, unless
$KITH_CORE_DUMPS is set.

Exit status:
  0  done; a command that only reads may have read what this device holds, and says so
  1  refused or failed; standard error says why
  2  the command line is wrong
  3  not signed in with this home directory
  4  safe on this device but not sent yet; it leaves with the next connection
  5  done, but its output could not be written; for tail: what was not written is not acknowledged
)";

Error bad(std::string sentence) {
  return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

std::string default_home() {
  if (const char* home = std::getenv("KITH_HOME"); home && *home) return home;
  if (const char* user = std::getenv("HOME"); user && *user) return std::string(user) + "/.kith";
  return ".kith";
}

Status read_limit(const std::string& text, std::size_t* limit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *limit);
  if (error != std::errc{} || end != text.data() + text.size() || *limit == 0 ||
      *limit > kLimitMax) {
    return bad("--limit takes a number from 1 to 100000, not '" + text + "'.");
  }
  return {};
}

}  // namespace

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments out;
  out.home = default_home();
  const std::map<std::string, std::string*> valued = {
      {"--url", &out.url},     {"--handle", &out.handle},
      {"--ca", &out.ca},       {"--home", &out.home},
      {"--name", &out.name},   {"--in", &out.in},
      {"--reply", &out.reply}, {"--token-file", &out.token_file}};
  const std::map<std::string, bool*> flags = {{"--json", &out.json},
                                              {"--help", &out.help},
                                              {"-h", &out.help},
                                              {"--version", &out.version},
                                              {"--yes", &out.yes}};
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (!options || word.size() < 2 || word[0] != '-') {
      if (out.command.empty()) {
        out.command = std::move(word);
      } else {
        out.words.push_back(std::move(word));
        // The text of a message is taken as it is, also when a word of it looks like an option.
        if (out.command == "send" && out.words.size() > 1) options = false;
      }
      continue;
    }
    if (word == "--") {
      options = false;
      continue;
    }
    std::string value;
    const auto equals = word.find('=');
    const bool attached = equals != std::string::npos;
    if (attached) {
      value = word.substr(equals + 1);
      word.resize(equals);
    }
    if (const auto flag = flags.find(word); flag != flags.end() && !attached) {
      *flag->second = true;
      continue;
    }
    const auto option = valued.find(word);
    if (option == valued.end() && word != "--limit") {
      return bad("There is no option '" + word + "'; see kith --help.");
    }
    if (!attached) {
      if (i + 1 >= argc) return bad("The option " + word + " needs a value.");
      value = argv[++i];
    }
    if (word == "--limit") {
      if (auto read = read_limit(value, &out.limit); !read) return read.error();
    } else {
      *option->second = value;
    }
  }
  return out;
}

const char* help_text() {
  return kHelp;
}

}  // namespace kith::cli
