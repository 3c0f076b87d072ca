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
    const auto workers = static_cast<unsigned>(gateway.workers().size());
    recording->taps_.push_back(
        std::make_unique<Tap>(mode, wish.filter, wish.packets, WorkerId{i}, workers));
    gateway.set_tap(WorkerId{i}, recording->taps_.back().get());
  }
  return recording;
}

Recording::Recording(gateway::Gateway& gateway, const Wish& wish)
    : gateway_(gateway), wish_(wish), start_cycles_(rte_rdtsc()), start_ns_(wall_ns()) {}

Recording::~Recording() { stop(); }

void Recording::turn() {
  if (!running()) return;
  read();
  if (file_ && !file_->flush().ok()) return stop();
  if (packets_ < wish_.packets) return;
  // The last ones may be under way between workers; where a copy was lost their end never comes.
  constexpr std::uint64_t kShare = 5;  // of a second
  if (complete_at_ == 0) complete_at_ = rte_rdtsc();
  if (known_.empty() || rte_rdtsc() - complete_at_ > rte_get_tsc_hz() / kShare) stop();
}

void Recording::read() {
  const std::size_t waiting = early_.size();  // since the turn before
  for (const auto& tap : taps_) {
    for (unsigned i = 0; i < kRecordsATurn; ++i) {
      const bool any = tap->take([&](const TapRecord& record) {
        if (comes_early(record)) {
          early_.push_back(record);
        } else {
          take_in(record);
        }
      });
      if (!any) break;
    }
  }
  const std::vector<TapRecord> early = std::exchange(early_, {});
  for (std::size_t i = 0; i < early.size(); ++i) {
    if (!comes_early(early[i])) {
      take_in(early[i]);
    } else if (i >= waiting) {
      early_.push_back(early[i]);
    }
  }
}

bool Recording::comes_early(const TapRecord& record) const {
  const auto same = [&](const TapRecord& other) { return other.packet == record.packet; };
  return record.followed &&
         (!known_.contains(record.packet) || std::any_of(early_.begin(), early_.end(), same));
}

void Recording::take_in(const TapRecord& record) {
  const bool came = record.stage == 0 && !record.followed;
  if (came && !begin(record)) return;
  const auto known = known_.find(record.packet);
  if (known == known_.end()) return;
  if (file_) {
    write(record);
  } else {
    note(record, known->second);
  }
  const bool last = record.stage + 1U == pipeline::kStages;
  // Its owner goes on with it; the pieces of a datagram share a number.
  const bool goes_on =
      record.fate == Fate::kToWorker || (record.followed && record.fate == Fate::kHeld);
  if (last && !goes_on) known_.erase(known);
}

/// A packet that has just come in; false: there are enough.
bool Recording::begin(const TapRecord& record) {
  if (packets_ >= wish_.packets) return false;
  ++packets_;
  Known known{traced_.size(), record.worker, {}};
  if (!file_) {
    const std::string what = tuple(record);
    traced_.push_back({fmt::format("worker {}, in by {}: {}, {} bytes", record.worker.value,
                                   device(record.in), what, record.length),
                       {}});
    known.last = {"", "", "", what};
  }
  known_.insert_or_assign(record.packet, std::move(known));
  return true;
}

void Recording::stop() {
  if (!running()) return;
  gateway_.remove_taps();
  read();
  lost_ = lost();
  taps_.clear();
  if (!file_) return;
  if (const Status done = file_->close(); !done) file_error_ = done.error();
  packets_in_file_ = file_->whole_packets();
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
  if (record.cut) text += " in fragments";
  if (record.verdict != pipeline::Verdict::kNone) text += fmt::format(": {}", word(record.verdict));
  return text;
}

/// As it came in, and what became of it: what is in between is a trace's.
void Recording::write(const TapRecord& record) {
  const bool before = record.stage == 0;
  if (before && record.followed) return;
  if (!before && record.fate == Fate::kToWorker) return;
  const std::uint64_t since = record.cycles - start_cycles_;
  const std::uint64_t hz = rte_get_tsc_hz();
  PcapngWriter::Packet packet;
  packet.interface = (before || record.out == kNoDevice ? record.in : record.out).value;
  packet.time_ns = start_ns_ + since / hz * kNsPerSecond + since % hz * kNsPerSecond / hz;
  packet.length = record.length;
  packet.last = !before;
  packet.bytes = {record.bytes.data(), record.captured};
  packet.comment =
      before ? fmt::format("packet {}, as it came in by {}", record.packet, device(record.in))
             : fmt::format("packet {}: {}", record.packet, outcome(record));
  file_->write(packet);
}

void Recording::note(const TapRecord& record, Known& known) {
  const std::string session = !record.session ? ""
                              : record.first  ? "opens a session"
                                              : "has a session";
  const std::vector<std::string> now{record.fate == Fate::kLive ? "" : outcome(record),
                                     record.verdict == pipeline::Verdict::kNone
                                         ? ""
                                         : "verdict " + std::string(word(record.verdict)),
                                     session, tuple(record)};
  std::string change;
  if (record.worker != known.worker) change = fmt::format("worker {}", record.worker.value);
  known.worker = record.worker;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] == known.last[i] || now[i].empty()) continue;
    change += (change.empty() ? "" : "; ") + now[i];
  }
  known.last = now;
  if (change.empty()) return;
  traced_[known.place].steps.push_back({std::string(pipeline::kStageNames[record.stage]), change});
}

}  // namespace sluice::telemetry
