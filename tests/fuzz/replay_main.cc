// Runs a fuzz target over its corpus without a fuzzer: every file as it is, cut short at many
// places, and with bits turned.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

void run(const std::string& input) {
  // An own allocation of the exact size, so that AddressSanitizer sees a read behind the end.
  const std::string exact(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(exact.data()), exact.size());
}

int replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string input{std::istreambuf_iterator<char>(in), {}};
  run(input);
  const std::size_t step = std::max<std::size_t>(1, input.size() / 256);
  for (std::size_t i = 0; i < input.size(); i += step) {
    run(input.substr(0, i));
    std::string altered = input;
    altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
    run(altered);
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files += replay(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      files += replay(entry.path());
    }
  }
  std::printf("%d inputs\n", files);
  return files > 0 ? 0 : 1;
}
