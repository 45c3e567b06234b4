// The command line of kith-bench.
#include "benchmarks/load/options.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include "benchmarks/load/partners.h"

namespace kith::bench {
namespace {

constexpr std::size_t kSecretBytesMin = 32;

const std::set<std::string, std::less<>> kScenarios = {
    "pairs", "open", "group", "connect", "reconnect", "idle", "catchup", "crash", "signin"};

Error bad(const std::string& sentence) {
  return make_error(ErrorCode::kBadConfig, sentence);
}

// Returns the fault of the value; empty if there is none.
using Setter = std::function<std::string(Options&, const std::string&)>;

Setter text(std::string Options::*member) {
  return [member](Options& options, const std::string& value) -> std::string {
    options.*member = value;
    return value.empty() ? "is empty" : "";
  };
}

bool read_number(std::string_view value, double& out) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  return error == std::errc() && end == value.data() + value.size() && !value.empty();
}

template <class T>
Setter number(T Options::*member, double min, double max) {
  return [member, min, max](Options& options, const std::string& value) -> std::string {
    double parsed = 0;
    if (!read_number(value, parsed) || parsed < min || parsed > max) {
      char range[96];
      std::snprintf(range, sizeof range, "is not a number from %g to %g", min, max);
      return range;
    }
    options.*member = static_cast<T>(parsed);
    return "";
  };
}

std::string set_rates(Options& options, const std::string& value) {
  options.rates.clear();
  std::string_view left = value;
  while (true) {
    const auto comma = left.find(',');
    double rate = 0;
    if (!read_number(left.substr(0, comma), rate) || rate <= 0 || rate > 10'000'000) {
      return "is not a rate, or several with commas between them";
    }
    options.rates.push_back(rate);
    if (comma == std::string_view::npos) return "";
    left.remove_prefix(comma + 1);
  }
}

std::string set_until(Options& options, const std::string& value) {
  static const std::map<std::string, Until, std::less<>> kNames = {
      {"received", Until::kReceived}, {"delivered", Until::kDelivered}};
  const auto found = kNames.find(value);
  if (found == kNames.end()) return "is neither received nor delivered";
  options.until = found->second;
  return "";
}

std::string set_jitter(Options& options, const std::string& value) {
  if (value != "yes" && value != "no") return "is neither yes nor no";
  options.jitter = value == "yes";
  return "";
}

const std::map<std::string, Setter, std::less<>>& flags() {
  static const std::map<std::string, Setter, std::less<>> kFlags = {
      {"url", text(&Options::url)},
      {"ca", text(&Options::ca_file)},
      {"secret-file", text(&Options::secret_file)},
      {"token", text(&Options::token)},
      {"prefix", text(&Options::prefix)},
      {"connections", number(&Options::connections, 1, 10'000'000)},
      {"active", number(&Options::active, 1, 10'000'000)},
      {"conversations", number(&Options::conversations, 1, 10'000'000)},
      {"cursor", number(&Options::cursor, 1, 9e15)},
      {"outstanding", number(&Options::outstanding, 1, 10'000)},
      {"group", number(&Options::group, 2, 10'000)},
      {"bytes", number(&Options::bytes, 0, 8'000)},
      {"queued", number(&Options::queued, 1, 100'000)},
      {"kills", number(&Options::kills, 1, 10'000)},
      {"rate", set_rates},
      {"until", set_until},
      {"jitter", set_jitter},
      {"seconds", number(&Options::seconds, 0.1, 1e6)},
      {"warmup", number(&Options::warmup, 0, 3600)},
      {"pid", number(&Options::pid, 1, 1e9)},
      {"cpu", number(&Options::cpu, 0, 4095)},
      {"server-cmd", text(&Options::server_command)},
      {"metrics", text(&Options::metrics)},
      {"plot", text(&Options::plot_file)},
  };
  return kFlags;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return make_error(ErrorCode::kIo, path + ": cannot be read");
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

Status read_secret(Options& options) {
  auto secret = read_file(options.secret_file);
  if (!secret) return secret.error();
  while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) secret->pop_back();
  if (secret->size() < kSecretBytesMin) {
    return bad(options.secret_file + ": a token secret has at least 32 bytes");
  }
  options.secret = std::move(*secret);
  return {};
}

Status check_conversations(const Options& options) {
  const bool pairs_talk = options.scenario == "pairs" || options.scenario == "open";
  if (options.cursor != 0 && !pairs_talk) return bad("--cursor goes with pairs and open");
  if (options.conversations == 0) return {};
  if (!pairs_talk) return bad("--conversations spreads the messages of pairs and open");
  const std::uint32_t pairs = pairs_of(options);
  if (options.conversations >= pairs && options.conversations <= Partners::most(pairs)) return {};
  return bad("--conversations " + std::to_string(options.conversations) +
             " does not fit: " + std::to_string(pairs) + " senders and as many receivers have " +
             std::to_string(pairs) + " to " + std::to_string(Partners::most(pairs)) +
             " 1:1 conversations");
}

Status check(Options& options) {
  if (!kScenarios.contains(options.scenario)) {
    return bad(options.scenario.empty() ? "which scenario? kith-bench --help lists them"
                                        : "no such scenario: " + options.scenario);
  }
  if (options.url.empty()) return bad("--url is missing");
  if (!options.secret_file.empty()) {
    if (auto read = read_secret(options); !read) return read;
  } else if (options.token.empty()) {
    return bad("--secret-file is missing: the secret that signs the server's tokens");
  } else if (options.connections > 1) {
    return bad("one --token serves one connection; --secret-file makes one for each");
  }
  const bool talks =
      options.scenario != "connect" && options.scenario != "idle" && options.scenario != "signin";
  if (talks && options.connections < 2) return bad("--connections must be 2 or more here");
  if (options.scenario == "crash" && options.server_command.empty()) {
    return bad("crash needs --server-cmd: it kills the server and starts it again");
  }
  if (!options.plot_file.empty() && options.scenario != "open") {
    return bad("--plot draws latency against rate: it goes with open");
  }
  return check_conversations(options);
}

}  // namespace

std::uint32_t pairs_of(const Options& options) {
  const std::uint32_t talking = options.active == 0 ? options.connections : options.active;
  return std::max(1U, std::min(talking, options.connections) / 2);
}

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "-h" || name == "--help") {
      options.help = true;
      return options;
    }
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (!name.starts_with("--")) {
      if (!options.scenario.empty()) return bad("unexpected argument: " + name);
      options.scenario = name;
      continue;
    }
    name.erase(0, 2);
    std::string value;
    if (const auto equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.erase(equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    const auto flag = flags().find(name);
    if (flag == flags().end()) return bad("no such option: --" + name);
    const std::string wrong = flag->second(options, value);
    if (!wrong.empty()) return bad("--" + name + " " + wrong);
  }
  if (const Status good = check(options); !good) return good.error();
  return options;
}

const char* help_text() {
  return R"(kith-bench - loads a Kith server and tells what it did

  kith-bench SCENARIO --url ws(s)://HOST:PORT/v1/ws --secret-file FILE [options]

Scenarios
  pairs      closed loop: half of the connections send to the other half; a message is done when
             its sender has SENT, its receiver the text, and its sender the DELIVERED back
  open       messages at a fixed --rate, whatever the server does; latency counts from the moment
             at which each was meant to be sent
  group      closed loop: one member of each group sends to all others
  connect    how fast all connections come up (TCP, TLS, WebSocket, sign-in, sync)
  signin     sign-ins alone, over sockets that are open already
  idle       all connections up, nothing said but heartbeats
  reconnect  all connections cut at once, back under the SDK's own jitter, and in sync
  catchup    users who were away fetch what waited for them
  crash      kill -9 of the server under load; counts acknowledged messages that are gone

What is loaded
  --url URL            ws:// or wss://
  --ca FILE            PEM certificates that the server's must be signed by (default: the system's)
  --secret-file FILE   signs a token for each connection (kithd --token-secret-file)
  --token TOKEN        instead: one given token, for one connection
  --prefix NAME        handles are NAME-0, NAME-1, ... (default bench)
  --server-cmd CMD     starts the server, and ends it; crash needs it
  --pid PID            the server's process: its memory and CPU go into the report, and the run is
                       no good if the search index was set aside
  --metrics HOST:PORT  kithd --admin-port: nor if the index failed meanwhile

How
  --connections N      default 1000
  --active N           connections that talk; the others are idle (default: all)
  --conversations N    pairs, open: each sender goes round among so many receivers that there are
                       N 1:1 conversations in all (default: one for each pair)
  --cursor N           pairs, open: people come back with caches that know everything up to this
                       position of the server (`records` of kith-fill), so that sync is short
  --outstanding N      messages of one sender on their way at a time (default 1)
  --rate R[,R...]      open: messages per second (default 1000); several are run one after the other.
                       group: an open loop with the first of them, all groups together
  --until WHAT         closed loops: the next message follows when one is received, or delivered
                       (the default; groups never wait for that)
  --group N            members of a group (default 100)
  --bytes N            text of a message (default 100)
  --queued N           catchup: messages waiting for each user (default 100)
  --kills N            crash: how often (default 3)
  --jitter no          reconnect: all come back at the same moment
  --seconds S          measured time (default 10)    --warmup S   before it (default 2)
  --cpu N              runs on this core only

  --json               one line of JSON per run on stdout
  --plot FILE.svg      open: latency against rate

Exit status: 0 if every acknowledged message arrived, once; 1 if not, or if the run failed; 2 if the
command line is wrong. One process may open as many connections as it may open files (ulimit -n).
)";
}

}  // namespace kith::bench
