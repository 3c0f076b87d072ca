// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/port_classes.h"

namespace sluice::nat {

PortClasses::PortClasses(const OwnerFunction& owner, std::span<const PortRange> ranges)
    : member_(65536), slice_of_(65536), slices_(owner.workers()), workers_(owner.workers()) {
  const PortLayout& layout = owner.layout();
  for (const PortRange& range : ranges) {
    for (std::uint32_t number = range.first; number <= range.last; ++number) {
      if (member_[number]) continue;  // ranges may overlap
      member_[number] = true;
      const Be16 port = Be16::from_host(static_cast<std::uint16_t>(number));
      classes_[layout.class_of(port)].push_back(port);
      bits_.set(layout.place_of(port));
    }
  }
  for (std::uint32_t number = 0; number < member_.size(); ++number) {
    if (member_[number]) in_order_.push_back(Be16::from_host(static_cast<std::uint16_t>(number)));
  }
  for (unsigned worker = 0; worker < workers_; ++worker) {
    const WorkerId id{static_cast<std::uint8_t>(worker)};
    for (const Be16 port : slice(id)) {
      slice_of_[port.to_host()] = id;
      slices_[worker].set(layout.place_of(port));
    }
  }
}

std::span<const Be16> PortClasses::slice(WorkerId worker) const noexcept {
  const std::size_t first = in_order_.size() * worker.value / workers_;
  const std::size_t end = in_order_.size() * (worker.value + std::size_t{1}) / workers_;
  return std::span(in_order_).subspan(first, end - first);
}

}  // namespace sluice::nat
