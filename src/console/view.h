// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a show command says, as one JSON object; people get the same object laid out as text, so
/// the two cannot disagree. Scalars become lines "key: value", arrays of objects become tables.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "console/commands.h"

namespace sluice::console {

using View = nlohmann::ordered_json;

/// Of what a stranger may have written (a path, a log line, a command), control characters but
/// those `kept` stay out of the operator's terminal: "\x1b" instead.
[[nodiscard]] std::string escaped(std::string_view text, std::string_view kept);

[[nodiscard]] std::string to_text(const View& view);
[[nodiscard]] std::string to_json(const View& view);  ///< one line

[[nodiscard]] inline Answer shown(const View& view, const Arguments& arguments) {
  return done(arguments.json ? to_json(view) : to_text(view));
}

}  // namespace sluice::console
