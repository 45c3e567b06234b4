// ProcessUse: reads /proc.
#include "benchmarks/load/process_use.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace kith::bench {

std::optional<ProcessUse> process_use(int pid) {
  const std::string place = "/proc/" + (pid == 0 ? "self" : std::to_string(pid));
  std::ifstream stat(place + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return std::nullopt;
  // The name in parentheses may hold anything; the fields count from behind it.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string field;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  for (int i = 0; i < 11; ++i) fields >> field;  // state … cmajflt
  fields >> user >> system;
  std::ifstream memory(place + "/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  memory >> pages >> resident;
  if (!fields || !memory) return std::nullopt;
  ProcessUse use;
  use.cpu_s = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  use.rss_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return use;
}

}  // namespace kith::bench
