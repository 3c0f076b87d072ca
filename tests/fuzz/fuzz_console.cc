// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Lines of the console, as anybody may type them: the reader, completion and watch. Whatever is
/// read is a command that takes such words, and what completes a line may stand there.
#include <cstdlib>
#include <string_view>

#include "console/grammar.h"
#include "console/watch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::console;
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  const auto typed = read_line(line);
  if (typed && typed.value().command == nullptr) std::abort();
  if (!typed && typed.error().empty()) std::abort();
  const auto words = split_words(line);
  for (const Candidate& candidate : candidates(words)) {
    if (candidate.word.empty()) std::abort();
  }
  const auto watch = read_watch(line);
  if (watch && !*watch && watch->error().empty()) std::abort();
  if (watch && *watch && watch->value().every.count() < 1) std::abort();
  return 0;
}
