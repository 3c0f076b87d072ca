// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any map as the aws-node DaemonSet's environment.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/node.h"
#include "config/vpc_cni_env.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (check_characters(text)) return 0;
  const Parsed parsed = parse_yaml(text, 1);
  if (parsed.documents.empty()) return 0;
  Problems problems;
  const Source source{"env.yaml", problems};
  VpcCniConfig vpc_cni;
  read_vpc_cni_env(Value{source, parsed.documents.front(), "env"}, vpc_cni);
  for (const auto& excluded : vpc_cni.exclude_snat_cidrs) {
    if (!excluded.value.is_v4()) std::abort();
  }
  if (to_json(problems).empty()) std::abort();
  return 0;
}
