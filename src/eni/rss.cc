// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/rss.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>

namespace sluice::eni {
namespace {

constexpr std::uint64_t kPorts = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP;
/// What else is spread by its addresses, so that one worker does not receive all of it.
constexpr std::uint64_t kWanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

Error refused(const char* what, int code) {
  return Error{fmt::format("{}: {}", what, rte_strerror(-code))};
}

/// As many bytes as a device wants: an IPv4 tuple needs the first 16 only.
std::vector<std::uint8_t> stretched(const nat::ToeplitzKey& key, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = key[i % key.size()];
  return bytes;
}

}  // namespace

void Rss::prepare(const rte_eth_dev_info& info, rte_eth_conf& conf) {
  types_ = info.flow_type_rss_offloads & kWanted;
  if (types_ == 0) return;
  reta_size_ = info.reta_size;
  if ((types_ & kPorts) != 0) state_ = Key::kUnknown;
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
  conf.rx_adv_conf.rss_conf.rss_hf = types_;
  constexpr unsigned kUsual = nat::ToeplitzKey{}.size();
  if (info.hash_key_size != 0 && info.hash_key_size < kUsual) return;
  bytes_ = stretched(nat::symmetric_key(), std::max<unsigned>(info.hash_key_size, kUsual));
  if (info.hash_key_size == 0) return;  // it may take one all the same, later
  conf.rx_adv_conf.rss_conf.rss_key = bytes_.data();
  conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
}

void Rss::ask(std::uint16_t port, const std::string& driver) {
  if (state_ == Key::kNone || bytes_.empty()) return;
  std::optional<nat::ToeplitzKey> told = read_key(port);
  // Some drivers take no key with the configuration but do afterwards.
  if (told && *told != nat::symmetric_key() && set_key(port, nat::symmetric_key())) {
    told = read_key(port);
  }
  if (told) {
    state_ = *told == nat::symmetric_key() ? Key::kTaken : Key::kOwn;
    key_ = *told;
  } else if (driver == "net_ena") {  // it would tell one that it took
    state_ = Key::kOwn;
    key_ = kEnaKey;
  }
}

std::optional<nat::ToeplitzKey> key_told(std::span<const std::uint8_t> answer) {
  nat::ToeplitzKey key{};
  if (answer.size() < key.size()) return std::nullopt;
  std::copy_n(answer.begin(), key.size(), key.begin());
  return key == nat::ToeplitzKey{} ? std::nullopt : std::optional(key);
}

std::optional<nat::ToeplitzKey> Rss::read_key(std::uint16_t port) const {
  std::vector<std::uint8_t> answer(bytes_.size());
  rte_eth_rss_conf conf{answer.data(), static_cast<std::uint8_t>(answer.size()), 0};
  if (rte_eth_dev_rss_hash_conf_get(port, &conf) != 0) return std::nullopt;
  return key_told({answer.data(), std::min<std::size_t>(answer.size(), conf.rss_key_len)});
}

Status Rss::apply(std::uint16_t port, const nat::OwnerFunction& owner, const RssForm& form) {
  if (state_ == Key::kNone) return success();
  nat::ToeplitzKey wanted = owner.key();
  if (form.key_reversed) std::reverse(wanted.begin(), wanted.end());
  if (state_ == Key::kTaken && wanted != key_) {
    if (Status set = set_key(port, wanted); !set) return set;
    key_ = wanted;
  }
  return set_table(port, owner, form.initial);
}

Status Rss::set_key(std::uint16_t port, const nat::ToeplitzKey& key) {
  bytes_ = stretched(key, bytes_.size());
  rte_eth_rss_conf conf{bytes_.data(), static_cast<std::uint8_t>(bytes_.size()), types_};
  const int code = rte_eth_dev_rss_hash_update(port, &conf);
  return code == 0 ? success() : refused("does not take the key", code);
}

/// With `initial` in every hash, what is to go by entry i comes by entry i XOR initial.
Status Rss::set_table(std::uint16_t port, const nat::OwnerFunction& owner, std::uint32_t initial) {
  if (reta_size_ == 0) return success();
  std::vector<rte_eth_rss_reta_entry64> groups((reta_size_ + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                               RTE_ETH_RETA_GROUP_SIZE);
  for (unsigned i = 0; i < reta_size_; ++i) {
    auto& group = groups[i / RTE_ETH_RETA_GROUP_SIZE];
    const unsigned place = i % RTE_ETH_RETA_GROUP_SIZE;
    group.mask |= std::uint64_t{1} << place;
    group.reta[place] = owner.owner(i ^ initial).value;
  }
  const int code =
      rte_eth_dev_rss_reta_update(port, groups.data(), static_cast<std::uint16_t>(reta_size_));
  return code == 0 ? success() : refused("does not take the table of queues", code);
}

std::string Rss::to_string() const {
  switch (state_) {
    case Key::kNone: return types_ == 0 ? "no RSS" : "RSS, not by ports";
    case Key::kTaken: return fmt::format("RSS, our key, table {}", reta_size_);
    case Key::kOwn: return fmt::format("RSS, key of its own, table {}", reta_size_);
    case Key::kUnknown: return fmt::format("RSS, key unknown, table {}", reta_size_);
  }
  return "";
}

nat::ToeplitzKey choose_key(const std::vector<const Rss*>& devices) {
  const auto own = std::find_if(devices.begin(), devices.end(),
                                [](const Rss* rss) { return rss->key_state() == Rss::Key::kOwn; });
  return own == devices.end() ? nat::symmetric_key() : (*own)->key();
}

}  // namespace sluice::eni
