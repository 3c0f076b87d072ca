// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Metrics and health over HTTP: /metrics (Prometheus's text), /healthz (the process runs), /readyz
/// (links up, routers answer, workers poll; else 503 and why). Answers come from threads of the
/// server's own, 32 of them: who says nothing keeps one for two seconds.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "telemetry/telemetry.h"

struct mg_context;

namespace sluice::telemetry {

class HttpServer {
 public:
  /// Binds `listen`, "ADDRESS:PORT". Until it is given somebody to ask, every answer is 503.
  static Result<std::unique_ptr<HttpServer>> listen(const std::string& listen);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Answers from `telemetry`, until stop().
  void serve(const Telemetry& telemetry);
  /// Waits for answers under way; from then on nothing is asked any more.
  void stop();

  struct Impl;

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::telemetry
