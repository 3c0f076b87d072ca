// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Amazon VPC CNI: what AWS-SNAT-CHAIN-0 decides. Its SNAT rule has no source match; here only
/// pods are translated. AWS_EXTERNAL_SERVICE_CIDRS choose a route on the node, never a verdict.
#include <fmt/format.h>

#include "policy/entry_builder.h"

namespace sluice::policy {
namespace {

void preserve_all(EntryBuilder& builder,
                  const config::MarkedPrefixes& prefixes,
                  std::string_view reason) {
  for (const auto& prefix : prefixes) {
    // IPv6 is never translated: the fallback says so without an entry.
    if (!prefix.value.is_v4()) continue;
    builder.preserve(prefix.value, fmt::format("vpc_cni: destination {} {}{}", reason,
                                               prefix.value.to_string(), place(prefix.mark)));
  }
}

}  // namespace

void add_vpc_cni(EntryBuilder& builder,
                 const config::VpcCniConfig& vpc_cni,
                 const config::MarkedPrefixes& vpc_cidrs) {
  const bool is_linux = vpc_cni.platform == config::VpcCniConfig::Platform::kLinux;
  if (is_linux && vpc_cni.external_snat.value) {
    builder.preserve(everything(Family::kV4),
                     "vpc_cni: AWS_VPC_K8S_CNI_EXTERNALSNAT is true, nothing is translated" +
                         place(vpc_cni.external_snat.mark));
    return;
  }
  preserve_all(builder, vpc_cidrs, "inside VPC CIDR");
  if (is_linux) {
    preserve_all(builder, vpc_cni.exclude_snat_cidrs,
                 "excluded by AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS");
  } else {
    preserve_all(builder, vpc_cni.excluded_snat_cidrs, "excluded by excluded_snat_cidrs");
  }
  builder.translate_rest("vpc_cni: destination outside the VPC and the exclusions");
}

}  // namespace sluice::policy
