// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The console over a Unix socket: one command a connection. The client sends a line, the answer
/// begins with "ok" or "error" on a line of its own, and the connection ends.
///
/// Clients are bounded in number, in what they may send and in how long they may take, and no call
/// waits for any of them. Owner: the main thread.
#pragma once

#include <memory>
#include <string>

#include "console/commands.h"
#include "core/result.h"

namespace sluice::console {

class SocketServer {
 public:
  /// Binds the path, readable and writable for the owner and the members of `group`; without one
  /// for the owner alone. A socket left behind by a gateway that is gone is replaced; one that
  /// answers is an error.
  static Result<std::unique_ptr<SocketServer>> listen(const std::string& path,
                                                      const std::string& group);
  ~SocketServer();
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  void poll(Session& session);

 private:
  struct Impl;
  explicit SocketServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Sends one command to a running gateway and returns its answer. Blocking.
[[nodiscard]] Result<Answer> ask(const std::string& path, const std::string& line);

}  // namespace sluice::console
