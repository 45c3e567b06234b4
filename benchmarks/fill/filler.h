// Filler: a data directory with a long history, written through the journal and the store that
// kithd uses, with the decisions that kithd would take.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "kith/core/result.h"

namespace kith::bench {

struct FillOptions {
  std::string data;  // directory
  std::uint64_t messages = 1'000'000;
  std::uint32_t conversations = 1'000;
  std::uint32_t users = 2'000;   // PREFIX-0, PREFIX-1, … in the 1:1 conversations of kith-bench
  std::string prefix = "bench";  // with as many connections
  std::uint32_t bytes = 100;     // of text
  std::uint32_t rounds = 1;      // in which each conversation gets its messages
};

struct FillFigures {
  std::uint64_t messages = 0;
  std::uint64_t records = 0;  // and creations of conversations
  double seconds = 0;
  double journal_seconds = 0;
  double store_seconds = 0;
  std::uint64_t event_bytes = 0;    // bodies, and the ids of each event
  std::uint64_t written_bytes = 0;  // bytes that this process wrote to the disk
};

// `progress` gets the number of messages so far, after each batch. Fails with kAlreadyExists if the
// directory is not empty, and with kBadConfig if the numbers do not fit.
Result<FillFigures> fill(const FillOptions& options,
                         const std::function<void(std::uint64_t)>& progress);

struct ReadFigures {
  std::uint64_t pages = 0;
  std::uint64_t events = 0;
  double p50_us = 0;
  double p99_us = 0;
  double max_us = 0;
};
// Reads the newest 50 events of conversations of a filled directory, each once before the clock
// runs, as on a busy server.
Result<ReadFigures> read_newest(const FillOptions& options, std::uint32_t pages);

// Space of the directory's files.
std::uint64_t disk_bytes(const std::string& data);

}  // namespace kith::bench
