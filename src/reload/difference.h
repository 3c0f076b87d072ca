// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What one configuration says otherwise than another, in lines a person reads in a log.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "policy/policy.h"

namespace sluice::reload {

/// One line a difference: policy entries that came, went or say something else, by their text;
/// other keys with their old and new values. Bounded in number and length: the last line counts
/// what is left out. Entries are compared by what they decide, so that a comment added above them
/// in their file is no difference.
[[nodiscard]] std::vector<std::string> differences(const config::Config& before,
                                                   const config::Config& after);

}  // namespace sluice::reload
