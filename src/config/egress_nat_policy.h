// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/reader.h"
#include "config/sections.h"

namespace sluice::config {

/// Reads the EgressNATPolicy manifests of the files and folders that `list` names; `paths` gets
/// them resolved. Of a folder, its *.yaml, *.yml and *.json by name, without its subfolders.
[[nodiscard]] std::vector<EgressNatPolicy> read_egress_nat_policies(
    const Value& list, Surroundings& surroundings, std::vector<std::string>& paths);

/// The policies of one text: YAML of any number of documents or JSON, `kind: List` unfolded.
/// Objects of other kinds are passed over with a warning.
[[nodiscard]] std::vector<EgressNatPolicy> parse_egress_nat_policies(std::string_view text,
                                                                     const Source& source);

}  // namespace sluice::config
