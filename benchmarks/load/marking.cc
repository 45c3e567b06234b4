// Mark: in the application's part of a message, little-endian as memory has it (it is read by the
// process that wrote it).
#include "benchmarks/load/marking.h"

#include <cstring>

#include "kith/v1/send.pb.h"

namespace kith::bench {
namespace {

constexpr std::size_t kSize = 28;

}  // namespace

std::string mark_content(const Mark& mark, const std::string& text) {
  char bytes[kSize];
  std::memcpy(bytes, &mark.run, 8);
  std::memcpy(bytes + 8, &mark.sender, 4);
  std::memcpy(bytes + 12, &mark.n, 8);
  std::memcpy(bytes + 20, &mark.intended, 8);
  v1::Content content;
  content.mutable_plain()->set_text(text);
  content.mutable_plain()->set_extra(bytes, kSize);
  return content.SerializeAsString();
}

std::optional<Mark> read_mark(std::string_view body) {
  v1::Content content;
  if (body.empty() || !content.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return std::nullopt;
  }
  const std::string& bytes = content.plain().extra();
  if (bytes.size() != kSize) return std::nullopt;
  Mark mark;
  std::memcpy(&mark.run, bytes.data(), 8);
  std::memcpy(&mark.sender, bytes.data() + 8, 4);
  std::memcpy(&mark.n, bytes.data() + 12, 8);
  std::memcpy(&mark.intended, bytes.data() + 20, 8);
  return mark;
}

}  // namespace kith::bench
