// kith-replay: a real chat log through real clients and a real server, with faults, and the
// verdict.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <thread>

#include "chat_file.h"
#include "check.h"
#include "faults.h"
#include "ledger.h"
#include "options.h"
#include "report.h"
#include "room.h"
#include "server_process.h"
#include "stage.h"
#include "worker.h"

namespace replay {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kPreparersMax = 12;

// A directory for server, clients and logs, removed at the end.
class WorkDir {
 public:
  explicit WorkDir(bool keep) : keep_(keep) {
    const char* base = ::getenv("TMPDIR");
    path_ = std::string(base && *base ? base : "/tmp") + "/kith-replay-XXXXXX";
    if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot create " + path_);
  }
  ~WorkDir() {
    std::error_code error;
    if (keep_) {
      std::fprintf(stderr, "kept: %s\n", path_.c_str());
    } else {
      std::filesystem::remove_all(path_, error);
    }
  }
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { keep_ = true; }

 private:
  std::string path_;
  bool keep_;
};

// Runs task(0) … task(count - 1) on a few threads; passes on the first failure.
template <class Task>
void spread(std::size_t count, std::size_t threads, std::atomic<std::size_t>& done, Task task) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::string failure;
  std::vector<std::thread> pool;
  for (std::size_t t = 0; t < std::min(threads, count); ++t) {
    pool.emplace_back([&] {
      for (std::size_t i = next++; i < count; i = next++) {
        try {
          task(i);
        } catch (const std::exception& error) {
          const std::lock_guard lock(mutex);
          if (failure.empty()) failure = error.what();
          next = count;
        }
        ++done;
      }
    });
  }
  for (auto& thread : pool) thread.join();
  if (!failure.empty()) throw std::runtime_error(failure);
}

// Runs `work` beside this thread, which goes on calling `meanwhile` until it is done.
template <class Work, class Meanwhile>
void beside(Work work, Meanwhile meanwhile) {
  std::atomic<bool> over{false};
  std::string failure;
  std::thread thread([&] {
    try {
      work();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    over = true;
  });
  try {
    while (!over) {
      meanwhile();
      std::this_thread::sleep_for(5ms);
    }
  } catch (const std::exception& error) {
    // Without a server nobody would ever finish.
    std::fprintf(stderr, "\nkith-replay: %s\n", error.what());
    ::_exit(1);
  }
  thread.join();
  if (!failure.empty()) throw std::runtime_error(failure);
}

class Replay {
 public:
  Replay(Options options, std::vector<ChatRoom> chat)
      : options_(std::move(options)),
        chat_(std::move(chat)),
        dir_(options_.keep),
        server_(options_.kithd, dir_.path() + "/server") {
    for (const auto& room : chat_) {
      lines_ += room.lines.size();
      nicks_.insert(room.nicks.begin(), room.nicks.end());
    }
  }

  Summary run() {
    const std::int64_t started = now_us();
    server_.start();
    const std::string clients = dir_.path() + "/clients";
    std::filesystem::create_directories(clients);
    for (std::size_t i = 0; i < options_.workers; ++i) {
      workers_.push_back(std::make_unique<WorkerLink>(
          std::vector<std::string>{options_.own_path, "--worker", server_.url(), server_.ca_file(),
                                   clients},
          dir_.path() + "/worker.log", [this](const Fields& fields) { ledger_.told(fields); }));
    }
    Stage stage(workers_, options_.clients);
    prepare(stage);
    Summary summary;
    play(stage, summary);
    judge(stage, summary);
    server_.stop();
    summary.messages = lines_;
    summary.rooms = chat_.size();
    summary.users = nicks_.size();
    summary.sent_ms = ledger_.sent_ms();
    summary.received_ms = ledger_.received_ms();
    summary.seconds = static_cast<double>(now_us() - started) / 1e6;
    return summary;
  }

  std::vector<std::string> complaints() { return ledger_.complaints(); }
  std::string keep() {
    dir_.keep();
    return dir_.path();
  }

 private:
  void prepare(Stage& stage) {
    const std::vector<std::string> nicks(nicks_.begin(), nicks_.end());
    std::atomic<std::size_t> done{0};
    beside(
        [&] {
          spread(nicks.size(), kPreparersMax, done, [&](std::size_t i) {
            stage.make_account({nicks[i], 0});
          });
        },
        [&] { progress_.show("accounts", done, nicks.size(), ""); });
    progress_.end();
    for (std::size_t i = 0; i < chat_.size(); ++i) {
      rooms_.push_back(std::make_unique<Room>(chat_[i], options_, stage, ledger_,
                                              options_.seed + static_cast<std::uint32_t>(i)));
    }
    done = 0;
    beside(
        [&] {
          spread(rooms_.size(), kPreparersMax, done, [&](std::size_t i) { rooms_[i]->create(); });
        },
        [&] { progress_.show("groups", done, rooms_.size(), ""); });
    progress_.end();
  }

  void play(Stage& stage, Summary& summary) {
    Faults faults(options_, lines_, server_, stage);
    std::atomic<std::size_t> done{0};
    const auto show = [&] {
      progress_.show("messages", ledger_.lines_done(), lines_,
                     std::to_string(stage.online()) + " online, " +
                         std::to_string(faults.server_kills()) + " server kills, " +
                         std::to_string(faults.client_kills()) + " client kills, " +
                         std::to_string(faults.cuts()) + " cuts");
    };
    beside(
        [&] {
          spread(rooms_.size(), rooms_.size(), done, [&](std::size_t i) { rooms_[i]->play(); });
        },
        [&] {
          faults.at(ledger_.lines_done());
          show();
        });
    show();
    progress_.end();
    summary.server_kills = faults.server_kills();
    summary.client_kills = faults.client_kills();
    summary.cuts = faults.cuts();
  }

  void judge(Stage& stage, Summary& summary) {
    std::atomic<std::size_t> done{0};
    const std::size_t devices = nicks_.size() * options_.devices;
    beside([&] { summary.verdict = check_devices(rooms_, options_, stage, ledger_, done); },
           [&] { progress_.show("devices", done, devices, "compared"); });
    progress_.show("devices", done, devices, "compared");
    progress_.end();
  }

  Options options_;
  std::vector<ChatRoom> chat_;
  std::set<std::string> nicks_;
  std::size_t lines_ = 0;
  WorkDir dir_;
  ServerProcess server_;
  Ledger ledger_;
  std::vector<std::unique_ptr<WorkerLink>> workers_;
  std::vector<std::unique_ptr<Room>> rooms_;
  Progress progress_;
};

int run(const Options& options) {
  std::string error;
  auto chat = read_chat(options.file, options.rooms, options.messages, &error);
  if (chat.empty()) {
    std::fprintf(stderr, "kith-replay: %s.\n", error.c_str());
    return 1;
  }
  Replay replay(options, std::move(chat));
  try {
    const Summary summary = replay.run();
    print_table(summary);
    const Verdict& v = summary.verdict;
    const auto complaints = replay.complaints();
    const bool held = v.lost + v.duplicated + v.out_of_order + v.wrong + v.searches_wrong == 0 &&
                      complaints.empty();
    for (const auto& sentence : complaints)
      std::fprintf(stderr, "kith-replay: %s\n", sentence.c_str());
    std::printf("%s\n", held ? "Every message arrived on every device once, unchanged and in "
                               "order, and is found by its words."
                             : "NOT every message arrived everywhere once, unchanged and in order, "
                               "and is found by its words.");
    if (!held) std::printf("The logs are in %s.\n", replay.keep().c_str());
    if (options.json) print_json(summary);
    return held ? 0 : 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "kith-replay: %s. The logs are in %s.\n", failure.what(),
                 replay.keep().c_str());
    return 1;
  }
}

}  // namespace
}  // namespace replay

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a client process that was killed is noticed by its answers
  if (argc == 5 && std::string(argv[1]) == "--worker") {
    return replay::run_worker(argv[2], argv[3], argv[4]);
  }
  return replay::run(replay::parse_options(argc, argv));
}
