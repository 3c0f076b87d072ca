// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the places of the commands' syntax take, and what their groups in brackets are for.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "config/duration.h"
#include "console/grammar.h"
#include "nat/session_text.h"
#include "pipeline/drop_reason.h"

namespace sluice::console {
namespace {

bool is_address(const std::string& word) { return IpAddr::parse(word).has_value(); }
bool is_number(const std::string& word) {
  constexpr std::size_t kDigits = 9;
  return !word.empty() && word.size() <= kDigits &&
         std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}
bool is_duration(const std::string& word) { return config::parse_duration(word).ok(); }
bool is_anything(const std::string& word) { return !word.empty(); }

template <std::vector<std::string> (*kChoices)()>
bool is_choice(const std::string& word) {
  const auto all = kChoices();
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<std::string> states() {
  const auto names = nat::state_names();
  return {names.begin() + 1, names.end()};  // no session is free
}
std::vector<std::string> protocols() {
  std::vector<std::string> names;
  for (const auto& [name, number] : nat::kProtocolNames) names.emplace_back(name);
  return names;
}
bool is_protocol(const std::string& word) { return nat::parse_protocol(word).has_value(); }
std::vector<std::string> levels() { return {"error", "warning", "info", "debug"}; }
std::vector<std::string> reasons() {
  std::vector<std::string> names;
  for (const pipeline::DropInfo& reason : pipeline::kDropInfo) names.emplace_back(reason.metric);
  return names;
}
std::vector<std::string> steerings() { return {"auto", "software"}; }
std::vector<std::string> timeouts() {
  return {"tcp_established", "tcp_transitory", "tcp_closed", "udp", "icmp"};
}

constexpr std::array kPlaces{
    PlaceType{"ADDRESS", "an IPv4 or IPv6 address", false, is_address},
    PlaceType{"COMMAND", "another command of this list", true, is_anything},
    PlaceType{"DURATION", "a time with its unit: 30s, 5m, 2h", false, is_duration},
    PlaceType{"FILE", "the path of a file", true, is_anything},
    PlaceType{"FLOW", "PROTO SRC[:PORT] > DST[:PORT] [in DEVICE], as explain takes it", true,
              is_anything},
    PlaceType{"LEVEL", "how much is logged", false, is_choice<levels>, levels},
    PlaceType{"N", "a number", false, is_number},
    PlaceType{"PATH", "the path of a file, without blanks", false, is_anything},
    PlaceType{"PROTOCOL", "a protocol by its name, or a number up to 255", false, is_protocol,
              protocols},
    PlaceType{"REASON", "one of the drop reasons, by its metric's name", false, is_choice<reasons>,
              reasons},
    PlaceType{"SECONDS", "a number of seconds", false, is_number},
    PlaceType{"STATE", "a session's state", false, is_choice<states>, states},
    PlaceType{"STEERING", "who moves packets to their workers", false, is_choice<steerings>,
              steerings},
    PlaceType{"TIMEOUT", "a key of flows.timeouts", false, is_choice<timeouts>, timeouts},
};

constexpr std::string_view kOfPackets =
    "with this address, on either side of the translation or in what an ICMP error is about";
constexpr std::array kOptions{
    OptionType{"trace add", "address ADDRESS", kOfPackets},
    OptionType{"capture start", "address ADDRESS", kOfPackets},
    OptionType{"", "address ADDRESS", "that are translated to this address"},
    OptionType{"clear flows", "all", "every one, where nothing else says which"},
    OptionType{"show flows", "count", "how many there are, without a list"},
    OptionType{"capture start", "count N", "end after N packets, 1000 unless said"},
    OptionType{"", "idle DURATION", "without a packet for so long at least"},
    OptionType{"", "limit N", "N rows at most, 1 to 10000"},
    OptionType{"show flows", "page N", "the Nth page of as many rows as limit says"},
    OptionType{"", "pod ADDRESS", "of this pod"},
    OptionType{"", "protocol PROTOCOL", "of this protocol"},
    OptionType{"", "reason REASON", "of this reason alone, with the last packets"},
    OptionType{"", "remote ADDRESS", "with this address at the other end"},
    OptionType{"", "state STATE", "in this state"},
    OptionType{"show flows", "top",
               "those with the most bytes, the most first: 10, or as many as limit says"},
};

/// Whether a place is described with all that it takes.
bool lists(const std::vector<std::string>& choices) {
  constexpr std::size_t kMostListed = 16;
  return !choices.empty() && choices.size() <= kMostListed;
}

}  // namespace

std::span<const PlaceType> place_types() { return kPlaces; }
std::span<const OptionType> option_types() { return kOptions; }

const OptionType* option_type(std::string_view syntax, std::string_view group) {
  const auto found = std::find_if(kOptions.begin(), kOptions.end(), [&](const OptionType& option) {
    return option.group == group && syntax.starts_with(option.commands);
  });
  return found == kOptions.end() ? nullptr : &*found;
}

std::string described(const PlaceType& place) {
  const auto choices = place.choices == nullptr ? std::vector<std::string>{} : place.choices();
  if (!lists(choices)) return std::string(place.help);
  return fmt::format("{}: {}", place.help, fmt::join(choices, ", "));
}

}  // namespace sluice::console
