// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any text as a line of `explain`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "explain/flow_line.h"
#include "net/headers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const auto line = explain::parse_line({reinterpret_cast<const char*>(data), size});
  if (!line) {
    if (line.error().empty()) std::abort();
    return 0;
  }
  if (size > explain::kLongestLine) std::abort();
  if (const auto* clock = std::get_if<explain::ClockLine>(&line.value())) {
    if (clock->forward.count() < 0) std::abort();
  }
  if (const auto* flow = std::get_if<explain::FlowLine>(&line.value())) {
    if (flow->source.is_v4() != flow->destination.is_v4()) std::abort();
    const bool ports =
        flow->protocol == net::kTcp || flow->protocol == net::kUdp || flow->protocol == net::kSctp;
    if (flow->destination_port && !ports) std::abort();
    if (flow->tcp_flags && flow->protocol != net::kTcp) std::abort();
  }
  return 0;
}
