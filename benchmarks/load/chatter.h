// Texts like those of a chat: words that are used as unevenly as people use them (Zipf).
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace kith::bench {

class Chatter {
 public:
  // Number 1 is the commonest; about 50,000 of them are in use.
  static std::string word(std::uint64_t number) {
    std::string text;
    for (std::uint64_t rest = number * 7; text.empty() || rest != 0; rest /= 20) {
      text += "bdfgklmnprstvwz"[rest % 15];
      text += "aeiou"[rest % 5];
    }
    return text;
  }
  // About 60 bytes.
  std::string message() {
    std::string text;
    while (text.size() < 50 + below(20)) text += (text.empty() ? "" : " ") + word(next_number());
    return text;
  }
  // Returns a text of exactly that size, mostly different from call to call, so that indexing it costs
  // a server as much as people's texts.
  std::vector<std::string> texts(std::size_t count, std::size_t bytes) {
    std::vector<std::string> all(count);
    for (std::string& text : all) {
      while (text.size() < bytes) text += word(next_number()) + " ";
      text.resize(bytes);
    }
    return all;
  }
  std::uint64_t below(std::uint64_t n) {
    state_ = state_ * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return (state_ >> 33) % n;
  }

 private:
  // Equally many for each power of e.
  std::uint64_t next_number() {
    constexpr double kLogWords = 10.8;
    return static_cast<std::uint64_t>(
        std::exp(static_cast<double>(below(1'000'000)) * kLogWords / 1e6));
  }
  std::uint64_t state_ = 1;
};

}  // namespace kith::bench
