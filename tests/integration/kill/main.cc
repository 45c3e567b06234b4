// kill_test: kithd and real clients, killed with kill -9 again and again while messages flow both
// ways; at the end every device must hold every promised message once, in one order.
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>

#include "examples/replay/process.h"
#include "examples/replay/server_process.h"
#include "tests/integration/kill/kill_client.h"
#include "tests/integration/kill/kill_journal.h"
#include "tests/integration/kill/kill_verdict.h"

namespace killing {
namespace {

using namespace std::chrono_literals;
using kith::client::Client;

constexpr char kPassword[] = "kill-test-on-loopback";
constexpr int kLifeMsMax = 450;  // of a round, before the kill
constexpr int kGapMsMax = 120;   // between kill and restart
constexpr int kHeadsAttempts = 200;
constexpr std::size_t kAckedPerRoundMin = 2;  // fewer on average: the rounds prove nothing

// A kill comes at a random moment: there is no event to wait for.
void pause_ms(int ms) {
  (void)::poll(nullptr, 0, ms);
}

struct Options {
  std::string kithd;
  unsigned rounds = 15;
  unsigned seed = 1;
  bool self_test = false;
};

class Directory {
 public:
  Directory() {
    if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot create " + path_);
  }
  ~Directory() {
    std::error_code error;
    if (!kept_) std::filesystem::remove_all(path_, error);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "kith-kill-XXXXXX").string();
  bool kept_ = false;
};

struct Participant {
  Seat seat;
  std::string rooms;
  std::unique_ptr<replay::Process> process;
};

class KillRun {
 public:
  explicit KillRun(const Options& options)
      : options_(options), random_(options.seed), server_(options.kithd, dir_.path() + "/server") {}

  Verdict run() {
    server_.start();
    prepare();
    for (Participant& p : people_) start(p);
    for (unsigned round = 0; round < options_.rounds; ++round) kill_somebody();
    converge();
    for (Participant& p : people_) p.process.reset();  // kill -9: only the disk counts
    if (options_.self_test) plant_loss();
    return judge(devices(), journals());
  }

  [[nodiscard]] std::string kills() const {
    return std::to_string(server_kills_) + " of the server, " + std::to_string(client_kills_) +
           " of clients";
  }
  std::string keep() {
    dir_.keep();
    return dir_.path();
  }

 private:
  void prepare() {
    const std::string clients = dir_.path() + "/clients";
    std::filesystem::create_directories(clients);
    for (const auto& [handle, device] : std::vector<std::pair<std::string, std::string>>{
             {"alice", "0"}, {"alice", "1"}, {"bob", "0"}, {"carol", "0"}}) {
      Participant& p = people_.emplace_back();
      p.seat = {server_.url(), server_.ca_file(), clients, handle, device};
      const auto how = p.seat.options();
      const auto token = device == "0" ? Client::register_account(how, kPassword)
                                       : Client::sign_in(how, kPassword);
      if (!token)
        throw std::runtime_error("account of " + handle + ": " + token.error().to_string());
      std::ofstream(p.seat.path() + ".token", std::ios::binary) << token->value;
    }
    auto first = open(people_[0].seat);
    const auto group =
        first->create_group("everybody", {kith::UserId::of("bob"), kith::UserId::of("carol")});
    if (!group) throw std::runtime_error("group: " + group.error().to_string());
    first->connect();
    if (kith::Status s = first->wait_sent(30s); !s)
      throw std::runtime_error("group: " + s.error().to_string());
    for (Participant& p : people_) {
      p.rooms = group->to_string();
      if (p.seat.handle == "alice") p.rooms += ",@bob";
      if (p.seat.handle == "bob") p.rooms += ",@alice";
    }
  }

  static std::unique_ptr<Client> open(const Seat& seat) {
    auto client = Client::open(seat.options());
    if (!client) throw std::runtime_error(seat.path() + ": " + client.error().to_string());
    return std::move(*client);
  }

  void start(Participant& p) {
    const std::vector<std::string> command{"/proc/self/exe", "--client", p.seat.url,
                                           p.seat.ca_file,   p.seat.dir, p.seat.handle,
                                           p.seat.device,    p.rooms,    std::to_string(++lives_)};
    p.process = std::make_unique<replay::Process>(command, dir_.path() + "/clients.log");
  }

  void kill_somebody() {
    pause_ms(static_cast<int>(20 + random_() % kLifeMsMax));
    const unsigned what = random_() % 5;
    const bool server = what < 2 || what == 4;
    const bool client = what >= 2;
    Participant& victim = people_[random_() % people_.size()];
    const bool server_first = random_() % 2 == 0;
    if (server && server_first) server_.kill_now();
    if (client) victim.process->kill_now();
    if (server && !server_first) server_.kill_now();
    pause_ms(static_cast<int>(random_() % kGapMsMax));
    if (client) start(victim);
    if (server) server_.start();
    server_kills_ += server ? 1 : 0;
    client_kills_ += client ? 1 : 0;
    for (Participant& p : people_) {  // most come back at once, the others by their own back-off
      if (server && random_() % 4 != 0) p.process->write("reconnect\n");
    }
  }

  std::string ask(Participant& p, const std::string& request) {
    std::string line;
    if (!p.process->write(request + "\n") || !p.process->read_line(line))
      line = "its process ended";
    if (line.rfind("ok", 0) != 0)
      throw std::runtime_error(p.seat.path() + ", " + request + ": " + line);
    return line;
  }

  void converge() {
    for (Participant& p : people_) p.process->write("reconnect\n");
    for (Participant& p : people_) ask(p, "drain");
    for (int attempt = 0; attempt < kHeadsAttempts; ++attempt) {
      std::set<std::string> group_heads;
      for (Participant& p : people_) {
        const std::string heads = ask(p, "heads");
        group_heads.insert(heads.substr(0, heads.find(' ', 3)));
      }
      if (group_heads.size() == 1) break;
      pause_ms(50);
    }
    for (Participant& p : people_) ask(p, "fetch");
  }

  // Takes one message out of one cache, behind the client's back: the verdict has to find it.
  void plant_loss() {
    sqlite3* db = nullptr;
    const std::string path = people_[2].seat.path() + "/cache.db";
    const char* sql =
        "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event WHERE instr(bytes, "
        "CAST('alice/0/' AS BLOB)) > 0)";
    if (sqlite3_open(path.c_str(), &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK || sqlite3_changes(db) == 0) {
      throw std::runtime_error("no row to take away in " + path + ": " + sqlite3_errmsg(db));
    }
    sqlite3_close(db);
  }

  static Device look(const std::string& name, Client& client, const std::string& rooms) {
    Device device{name, {}, {}};
    for (const auto& room : rooms_of(client, rooms)) {
      device.rooms.push_back(room.to_string());
      for (const auto& m : everything(client, room)) {
        if (m.kind == kith::MessageKind::kText) {
          device.rows.push_back({room.to_string(), m.seq.value, m.id.to_string(), m.text});
        }
      }
    }
    return device;
  }

  // Every cache as it lies on the disk, opened without a connection; and a new device, which is
  // what the server holds.
  std::vector<Device> devices() {
    std::vector<Device> found;
    for (const Participant& p : people_) {
      found.push_back(look(p.seat.handle + "/" + p.seat.device, *open(p.seat), p.rooms));
    }
    Participant& alice = people_[0];
    auto how = alice.seat.options();
    how.cache_dir = alice.seat.dir + "/fresh";
    const auto token = Client::sign_in(how, kPassword);
    if (!token) throw std::runtime_error("new device: " + token.error().to_string());
    how.token = kith::client::fixed_token(token->value);
    auto fresh = Client::open(how);
    if (!fresh) throw std::runtime_error("new device: " + fresh.error().to_string());
    (*fresh)->connect();
    if (kith::Status s = (*fresh)->wait_online(30s); !s)
      throw std::runtime_error("new device: " + s.error().to_string());
    found.push_back(look("a new device of alice", **fresh, alice.rooms));
    return found;
  }

  std::vector<std::vector<replay::Fields>> journals() const {
    std::vector<std::vector<replay::Fields>> found;
    for (const Participant& p : people_) found.push_back(read_journal(p.seat.journal()));
    return found;
  }

  Options options_;
  std::mt19937 random_;
  Directory dir_;
  replay::ServerProcess server_;
  std::vector<Participant> people_;
  unsigned lives_ = 0;
  unsigned server_kills_ = 0;
  unsigned client_kills_ = 0;
};

int run(const Options& options) {
  KillRun run(options);
  Verdict v;
  try {
    v = run.run();
  } catch (const std::exception& failure) {
    std::printf("kill_test: %s. The files are in %s.\n", failure.what(), run.keep().c_str());
    return 1;
  }
  if (v.acked < options.rounds * kAckedPerRoundMin)
    v.sentences.push_back("too little was acknowledged to prove anything");
  for (const auto& sentence : v.sentences) std::printf("  %s\n", sentence.c_str());
  std::printf(
      "kill -9: seed %u, %u rounds (%s), %zu messages, %zu accepted by an outbox, %zu "
      "acknowledged; "
      "%zu lost, %zu duplicated, %zu out of order, %zu invented\n",
      options.seed, options.rounds, run.kills().c_str(), v.messages, v.accepted, v.acked, v.lost,
      v.duplicated, v.disordered, v.invented);
  if (options.self_test) {
    const bool bites = v.lost > 0 && v.duplicated + v.disordered + v.invented == 0;
    std::printf("self-test: a message that was taken out of a cache is %s\n",
                bites ? "found" : "NOT found");
    return bites ? 0 : 1;
  }
  if (!v.good()) std::printf("NOT GOOD. The files are in %s.\n", run.keep().c_str());
  return v.good() ? 0 : 1;
}

constexpr char kHelp[] =
    R"(kill_test - kill -9 of server and clients while messages flow; nothing promised may be lost

Usage: kill_test KITHD [--rounds N] [--seed N] [--self-test]

  --self-test   takes a message out of a cache at the end; succeeds if the verdict finds that
)";

int usage() {
  std::fputs(kHelp, stderr);
  return 2;
}

int start(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 8 && words[0] == "--client") {
    return run_client({words[1], words[2], words[3], words[4], words[5]}, words[6],
                      static_cast<unsigned>(std::strtoul(words[7].c_str(), nullptr, 10)));
  }
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool valued = words[i] == "--rounds" || words[i] == "--seed";
    if (valued && i + 1 < words.size()) {
      unsigned& number = words[i] == "--rounds" ? options.rounds : options.seed;
      number = static_cast<unsigned>(std::strtoul(words[++i].c_str(), nullptr, 10));
    } else if (words[i] == "--self-test") {
      options.self_test = true;
    } else if (!valued && words[i][0] != '-' && options.kithd.empty()) {
      options.kithd = words[i];
    } else {
      return usage();
    }
  }
  return options.kithd.empty() || options.rounds == 0 ? usage() : run(options);
}

}  // namespace
}  // namespace killing

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a client that was killed is noticed by its answers
  return killing::start(argc, argv);
}
