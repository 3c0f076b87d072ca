// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/notice.h"

namespace sluice::nat {

bool redirect(FlowTable& table, const FlowKey& flow, WorkerId to, Instant now) noexcept {
  const Found known = table.find(flow, now);
  if (known) {
    Session& session = table.at(known.session);
    if (session.state() != SessionState::kElsewhere) return true;  // ours, and we know better
    session.adjacency[0].set(to.value);
    session.last_seen.set(now.ms);
    return true;
  }
  // Found by either side like a preserved flow, of which it stands in the way just as well.
  NewSession session{flow.source,           flow.destination, flow.source,  flow.source_port,
                     flow.destination_port, flow.source_port, flow.protocol};
  session.state = SessionState::kElsewhere;
  session.adjacency[0] = AdjacencyId{to.value};
  const SessionIndex index = table.insert(session, now);
  if (index == kNoSession) return false;
  // The packet, or the answer, may be lost on its way: then nobody says that it leads nowhere.
  constexpr std::chrono::seconds kUnanswered{60};
  table.let_end_in(index, kUnanswered, now);
  return true;
}

void heed(FlowTable& table, const Notice& notice, Instant now) noexcept {
  if (notice.what == Notice::What::kHolds) {
    static_cast<void>(redirect(table, notice.flow, notice.from, now));
    const Found known = table.find(notice.flow, now);
    if (known && table.at(known.session).state() == SessionState::kElsewhere) {
      table.at(known.session).last_seen.set(now.ms);
    }
    return;
  }
  const Found known = table.find(notice.flow, now);
  if (!known || table.at(known.session).state() != SessionState::kElsewhere) return;
  // Another worker may hold the flow's next session by now.
  const bool another =
      notice.what == Notice::What::kEnded && redirected_to(table.at(known.session)) != notice.from;
  if (!another) table.erase(known.session, now);
}

}  // namespace sluice::nat
