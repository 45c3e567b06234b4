// Reads the command line of kith-replay.
#include "options.h"

#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <thread>

namespace replay {
namespace {

constexpr char kHelp[] =
    R"(kith-replay - sends a real chat log through Kith and checks that nothing is lost

Usage: kith-replay FILE.jsonl[.gz] [options]

Every nick of FILE becomes a user, every room a group. The messages are sent in the order of the
file by real clients, over TLS, through a kithd of its own on the loopback. At the end each device
of each user comes online, and what it holds is compared with the file.

  --rooms N       rooms to replay (default 4)
  --messages N    at most N messages of each room (default: all)
  --clients N     clients that are online at a time (default 64)
  --devices N     devices of each user (default 2)
  --faults KIND   none, cuts (connections are cut at random, with offline periods), kills (the
                  server and client processes are killed with kill -9), all (default none)
  --speed X       times real time; 0 = as fast as it goes (default 0)
  --workers N     processes that hold the clients (default 3)
  --seed N        seed of the faults (default 1)
  --kithd PATH    the server program (default: beside this program)
  --keep          keep the working directory and print its name
  --json          print the result as one last line of JSON

Exit status: 0 if every message arrived on every device once, unchanged and in order, and is found; 1 if not, or
if the replay could not run; 2 if the command line is wrong.
)";

[[noreturn]] void complain(const std::string& sentence) {
  std::fprintf(stderr, "kith-replay: %s See kith-replay --help.\n", sentence.c_str());
  std::exit(2);
}

double number(const std::string& name, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || !(value >= least && value <= most)) {
    char range[64];
    std::snprintf(range, sizeof range, "%.0f to %.0f", least, most);
    complain(name + " takes a number from " + range + ", not '" + text + "'.");
  }
  return value;
}

void read_faults(Options& out, const std::string& kind) {
  if (kind != "none" && kind != "cuts" && kind != "kills" && kind != "all") {
    complain("--faults takes none, cuts, kills or all, not '" + kind + "'.");
  }
  out.cuts = kind == "cuts" || kind == "all";
  out.kills = kind == "kills" || kind == "all";
}

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options out;
  out.own_path = own_path();
  const auto count = [&](const char* name, std::size_t* value, double most) {
    return [=](const std::string& text) {
      *value = static_cast<std::size_t>(number(name, text, 1, most));
    };
  };
  const std::map<std::string, std::function<void(const std::string&)>> valued = {
      {"--rooms", count("--rooms", &out.rooms, 100'000)},
      {"--messages", count("--messages", &out.messages, 1e9)},
      {"--clients", count("--clients", &out.clients, 10'000)},
      {"--devices", count("--devices", &out.devices, 16)},
      {"--workers", count("--workers", &out.workers, 64)},
      {"--faults", [&](const std::string& text) { read_faults(out, text); }},
      {"--speed", [&](const std::string& text) { out.speed = number("--speed", text, 0, 1e9); }},
      {"--seed",
       [&](const std::string& text) {
         out.seed = static_cast<std::uint32_t>(number("--seed", text, 0, 4294967295.0));
       }},
      {"--kithd", [&](const std::string& text) { out.kithd = text; }}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    } else if (word == "--json") {
      out.json = true;
    } else if (word == "--keep") {
      out.keep = true;
    } else if (const auto option = valued.find(word); option != valued.end()) {
      if (i + 1 >= argc) complain(word + " needs a value.");
      option->second(argv[++i]);
    } else if (word[0] == '-' && word.size() > 1) {
      complain("There is no option '" + word + "'.");
    } else if (out.file.empty()) {
      out.file = word;
    } else {
      complain("There is one FILE, not also '" + word + "'.");
    }
  }
  if (out.file.empty()) complain("FILE is missing.");
  if (out.kithd.empty()) out.kithd = out.own_path.substr(0, out.own_path.rfind('/') + 1) + "kithd";
  return out;
}

}  // namespace replay
