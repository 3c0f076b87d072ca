// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

/// Reads `snat.vpc_cni.env`, the environment of an aws-node DaemonSet, into `vpc_cni` (whose
/// platform is already known). As lenient with values as the daemon: what it cannot read it takes
/// for the default and goes on, so that is a warning here. A name the daemon does not know is an
/// error, as it can only be a mistake.
void read_vpc_cni_env(const Value& env, VpcCniConfig& vpc_cni);

}  // namespace sluice::config
