// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <string>

#include "core/result.h"

namespace sluice::telemetry {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// One request to "http://HOST[:PORT]/PATH"; `headers` end with a line feed each. Blocking, for
/// some seconds at most.
[[nodiscard]] Result<HttpAnswer> http(const std::string& method,
                                      const std::string& url,
                                      const std::string& headers);

}  // namespace sluice::telemetry
