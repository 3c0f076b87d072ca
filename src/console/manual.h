// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The manual, written from the declared commands and drop reasons.
#pragma once

#include <string>

namespace sluice::console {

[[nodiscard]] std::string manual_markdown();  ///< docs/console.md
/// The console's section of sluice(1), in man(7).
[[nodiscard]] std::string manual_section();

/// Text as man(7) wants it: backslashes and leading dots are escaped.
[[nodiscard]] std::string roff(std::string text);

}  // namespace sluice::console
