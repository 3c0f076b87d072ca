// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the show commands say. Each reads the gateway and changes nothing.
#pragma once

#include <string>

#include "console/view.h"
#include "gateway/session_filter.h"

namespace sluice::console {

// At once:
[[nodiscard]] View show_config(Session& session, const Arguments& arguments);
[[nodiscard]] View show_counters(Session& session, const Arguments& arguments);
[[nodiscard]] View show_drops(Session& session, const Arguments& arguments);
[[nodiscard]] View show_eni(Session& session, const Arguments& arguments);
[[nodiscard]] View show_latency(Session& session, const Arguments& arguments);
[[nodiscard]] View show_log(Session& session, const Arguments& arguments);
[[nodiscard]] View show_memory(Session& session, const Arguments& arguments);
[[nodiscard]] View show_neighbours(Session& session, const Arguments& arguments);
[[nodiscard]] View show_policy(Session& session, const Arguments& arguments);
[[nodiscard]] View show_port(Session& session, const Arguments& arguments);
[[nodiscard]] View show_rates(Session& session, const Arguments& arguments);
[[nodiscard]] View show_steering(Session& session, const Arguments& arguments);
[[nodiscard]] View show_version(Session& session, const Arguments& arguments);
[[nodiscard]] View show_workers(Session& session, const Arguments& arguments);

// Over all sessions, some a turn:
[[nodiscard]] Reply show_flow(Session& session, const Arguments& arguments);
[[nodiscard]] Reply show_flows(Session& session, const Arguments& arguments);
[[nodiscard]] Reply show_pods(Session& session, const Arguments& arguments);
[[nodiscard]] Reply show_ports(Session& session, const Arguments& arguments);

/// What refuses a number of rows, or a page, that cannot be shown.
[[nodiscard]] std::optional<Answer> refused_rows(const Arguments& arguments);

/// Which sessions [pod ADDRESS] and its like mean.
[[nodiscard]] gateway::SessionFilter filter_of(const Arguments& arguments);

/// What `show config` says: every key of sluice.yaml but the devices'.
[[nodiscard]] View keys_in_force(const config::Config& config);

/// Counts and drops as lines of "NAME VALUE", for the report at exit and for scripts.
[[nodiscard]] std::string counter_lines(const gateway::Gateway& gateway);

}  // namespace sluice::console
