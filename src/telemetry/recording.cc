// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "nat/frame_text.h"

namespace sluice::telemetry {
namespace {

using gateway::Tap;
using gateway::TapRecord;
using pipeline::Fate;

constexpr unsigned kRecordsATurn = 512;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::uint64_t wall_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

/// What the frame says of itself now.
std::string tuple(const TapRecord& record) {
  return nat::frame_text({record.bytes.data(), record.captured});
}

std::string_view word(Fate fate) {
  constexpr std::array<std::string_view, 8> kWords{"goes on",
                                                   "leaves",
                                                   "dropped",
                                                   "dropped, answered",
                                                   "to the main thread",
                                                   "to its worker",
                                                   "held: a fragment",
                                                   "waits for its next hop, to leave"};
  return kWords[static_cast<std::size_t>(fate)];
}

std::string_view word(pipeline::Verdict verdict) {
  constexpr std::array<std::string_view, 5> kWords{"", "snat", "preserve", "unsnat", "local"};
  return kWords[static_cast<std::size_t>(verdict)];
}

bool is_dropped(const TapRecord& record) {
  return record.fate == Fate::kDrop || record.fate == Fate::kDropAnswered;
}

}  // namespace

Result<std::unique_ptr<Recording>> Recording::start(gateway::Gateway& gateway, const Wish& wish) {
  std::unique_ptr<PcapngWriter> file;
  if (!wish.path.empty()) {
    std::vector<std::string> names;
    for (const auto& info : gateway.snapshot().enis.devices()) names.push_back(info.name);
    auto created = PcapngWriter::create(wish.path, names);
    if (!created) return Error{created.error()};
    file = std::move(created).value();
  }
  auto recording = std::unique_ptr<Recording>(new Recording(gateway, wish));
  recording->file_ = std::move(file);
  const auto mode = recording->file_ ? Tap::Mode::kEnds : Tap::Mode::kStages;
  for (std::uint8_t i = 0; i < gateway.workers().size(); ++i) {
    recording->taps_.push_back(std::make_unique<Tap>(mode, wish.filter, wish.packets));
    gateway.set_tap(WorkerId{i}, recording->taps_.back().get());
  }
  return recording;
}

Recording::Recording(gateway::Gateway& gateway, const Wish& wish)
    : gateway_(gateway),
      wish_(wish),
      start_cycles_(rte_rdtsc()),
      start_ns_(wall_ns()),
      known_(gateway.workers().size()) {}

Recording::~Recording() { stop(); }

void Recording::turn() {
  if (!running()) return;
  read();
  if (packets_ >= wish_.packets) stop();
}

void Recording::read() {
  for (std::size_t worker = 0; worker < taps_.size(); ++worker) {
    for (unsigned i = 0; i < kRecordsATurn; ++i) {
      const bool any = taps_[worker]->take([&](const TapRecord& record) {
        if (file_) {
          write(record);
        } else {
          note(worker, record);
        }
      });
      if (!any) break;
    }
  }
}

void Recording::stop() {
  if (!running()) return;
  gateway_.remove_taps();
  read();
  lost_ = lost();
  taps_.clear();
  if (!file_) return;
  good_ = file_->close();
  file_.reset();
  closed_ = true;
}

std::uint64_t Recording::lost() const {
  std::uint64_t sum = lost_;
  for (const auto& tap : taps_) sum += tap->lost();
  return sum;
}

std::string Recording::device(DeviceId id) const {
  return id == kNoDevice ? "-" : gateway_.snapshot().enis.devices()[id.value].name;
}

/// What became of it, and why.
std::string Recording::outcome(const TapRecord& record) const {
  if (is_dropped(record)) {
    const pipeline::DropInfo& info = pipeline::info(record.reason);
    return fmt::format("{}: {} ({})", word(record.fate), info.metric, info.text);
  }
  std::string text{word(record.fate)};
  if (record.out != kNoDevice) text += " by " + device(record.out);
  if (record.verdict != pipeline::Verdict::kNone) text += fmt::format(": {}", word(record.verdict));
  return text;
}

void Recording::write(const TapRecord& record) {
  const bool before = record.stage == 0;
  if (before && packets_ >= wish_.packets) return;
  packets_ += before ? 1 : 0;
  const std::uint64_t since = record.cycles - start_cycles_;
  const std::uint64_t hz = rte_get_tsc_hz();
  PcapngWriter::Packet packet;
  packet.interface = (before || record.out == kNoDevice ? record.in : record.out).value;
  packet.time_ns = start_ns_ + since / hz * kNsPerSecond + since % hz * kNsPerSecond / hz;
  packet.length = record.length;
  packet.bytes = {record.bytes.data(), record.captured};
  packet.comment =
      before ? fmt::format("packet {}, as it came in by {}", record.packet, device(record.in))
             : fmt::format("packet {}: {}", record.packet, outcome(record));
  file_->write(packet);
}

void Recording::note(std::size_t worker, const TapRecord& record) {
  auto& known = known_[worker];
  auto place = std::find_if(known.begin(), known.end(),
                            [&](const Known& other) { return other.packet == record.packet; });
  if (place == known.end()) {
    if (packets_ >= wish_.packets || record.stage != 0) return;
    ++packets_;
    const std::string what = tuple(record);
    traced_.push_back({fmt::format("worker {}, in by {}: {}, {} bytes", worker, device(record.in),
                                   what, record.length),
                       {}});
    known.push_back({traced_.size() - 1, record.packet, {"", "", "", what}});
    place = known.end() - 1;
  }
  const std::string session = !record.session ? ""
                              : record.first  ? "opens a session"
                                              : "has a session";
  const std::vector<std::string> now{record.fate == Fate::kLive ? "" : outcome(record),
                                     record.verdict == pipeline::Verdict::kNone
                                         ? ""
                                         : "verdict " + std::string(word(record.verdict)),
                                     session, tuple(record)};
  std::string change;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] == place->last[i] || now[i].empty()) continue;
    change += (change.empty() ? "" : "; ") + now[i];
  }
  place->last = now;
  if (change.empty()) return;
  traced_[place->place].steps.push_back({std::string(pipeline::kStageNames[record.stage]), change});
}

}  // namespace sluice::telemetry
