// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What RFC 7011 asks of messages, read by a few lines that share nothing with the writer. That
/// collectors read the records is seen in tests/system/test_session_log.py.
#include "telemetry/ipfix_messages.h"

#include <gtest/gtest.h>

#include <map>

#include "net/headers.h"

namespace sluice::telemetry {
namespace {

constexpr UtcMs kNow{1'800'000'123'456};

std::uint64_t number(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

/// One message, taken apart by the templates seen so far. Element by number.
using Record = std::map<unsigned, std::uint64_t>;
struct Message {
  std::size_t bytes = 0;
  std::uint64_t export_time = 0, sequence = 0, domain = 0;
  unsigned templates = 0;
  std::vector<Record> records;
};

class Collector {
 public:
  Message read(std::span<const std::uint8_t> bytes) {
    Message message;
    message.bytes = bytes.size();
    EXPECT_EQ(number(bytes.subspan(0, 2)), 10U);
    EXPECT_EQ(number(bytes.subspan(2, 2)), bytes.size());
    message.export_time = number(bytes.subspan(4, 4));
    message.sequence = number(bytes.subspan(8, 4));
    message.domain = number(bytes.subspan(12, 4));
    for (auto rest = bytes.subspan(16); !rest.empty();) {
      const auto id = static_cast<unsigned>(number(rest.subspan(0, 2)));
      const std::size_t length = number(rest.subspan(2, 2));
      const auto body = rest.subspan(4, length - 4);
      if (id == 2) {
        message.templates += read_templates(body);
      } else {
        read_records(id, body, message);
      }
      rest = rest.subspan(length);
    }
    return message;
  }

 private:
  unsigned read_templates(std::span<const std::uint8_t> body) {
    unsigned count = 0;
    while (!body.empty()) {
      auto& fields = templates_[static_cast<unsigned>(number(body.subspan(0, 2)))];
      fields.clear();
      const std::size_t of = number(body.subspan(2, 2));
      for (std::size_t i = 0; i < of; ++i) {
        fields.emplace_back(static_cast<unsigned>(number(body.subspan(4 + 4 * i, 2))),
                            number(body.subspan(6 + 4 * i, 2)));
      }
      body = body.subspan(4 + 4 * of);
      ++count;
    }
    return count;
  }

  void read_records(unsigned id, std::span<const std::uint8_t> body, Message& message) {
    ASSERT_TRUE(templates_.contains(id)) << "data before its template: " << id;
    while (!body.empty()) {
      Record& record = message.records.emplace_back();
      for (const auto& [element, bytes] : templates_[id]) {
        record[element] = number(body.subspan(0, bytes));
        body = body.subspan(bytes);
      }
    }
  }

  std::map<unsigned, std::vector<std::pair<unsigned, std::size_t>>> templates_;
};

class Ipfix : public ::testing::Test {
 protected:
  void make(std::size_t message_bytes) {
    messages_ = std::make_unique<IpfixMessages>(
        IpfixMessages::Options{7, message_bytes},
        [this](std::span<const std::uint8_t> message, unsigned records) {
          sent_.push_back(collector_.read(message));
          EXPECT_EQ(sent_.back().records.size(), records);
        });
    messages_->send_templates(kNow);
  }
  static SessionRecord session(std::uint16_t port, nat::SessionEvent::What what) {
    nat::SessionEvent event{};
    event.pod = Be32::from_host(0x0a0a1415);
    event.snat = Be32::from_host(0x0a0a0a14);
    event.remote = Be32::from_host(0x08080404);
    event.pod_port = Be16::from_host(40000);
    event.snat_port = Be16::from_host(port);
    event.remote_port = Be16::from_host(53);
    event.protocol = net::kUdp;
    event.what = what;
    return {kNow, event};
  }
  static ExhaustionRecord refused(pipeline::DropReason reason) {
    ExhaustionRecord record{kNow, {reason, 12, {}}, {}, 99};
    record.refusal.last.source = Be32::from_host(0x0a0a1415);
    record.refusal.last.protocol = net::kTcp;
    return record;
  }
  std::vector<Record> records() const {
    std::vector<Record> all;
    for (const Message& message : sent_) {
      all.insert(all.end(), message.records.begin(), message.records.end());
    }
    return all;
  }

  Collector collector_;
  std::unique_ptr<IpfixMessages> messages_;
  std::vector<Message> sent_;
};

TEST_F(Ipfix, ASessionHasTheElementsOfRfc8158) {
  make(1400);
  messages_->add(session(5000, nat::SessionEvent::What::kCreate), kNow);
  messages_->add(session(5000, nat::SessionEvent::What::kDelete), kNow);
  messages_->finish(kNow);
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[0].templates, 4U);
  EXPECT_EQ(sent_[1].export_time, 1'800'000'123U);
  EXPECT_EQ(sent_[1].domain, 7U);
  Record expected{{323, kNow.value}, {230, 4},   {229, 1},          {4, 17},
                  {8, 0x0a0a1415},   {7, 40000}, {225, 0x0a0a0a14}, {227, 5000},
                  {12, 0x08080404},  {11, 53}};
  EXPECT_EQ(sent_[1].records.at(0), expected);
  expected[230] = 5;
  EXPECT_EQ(sent_[1].records.at(1), expected);
}

TEST_F(Ipfix, MessagesStayWithinTheirBytesAndNumberTheirRecords) {
  for (const std::size_t most : {512U, 600U, 1400U}) {
    SCOPED_TRACE(most);
    sent_.clear();
    make(most);
    for (std::uint16_t port = 1024; port < 1424; ++port) {
      messages_->add(session(port, nat::SessionEvent::What::kCreate), kNow);
      // Sets of other templates in between.
      if (port % 7 == 0) messages_->add(refused(pipeline::DropReason::kPodLimit), kNow);
      if (port % 100 == 0) messages_->send_templates(kNow);
    }
    messages_->finish(kNow);
    std::uint64_t before = 0;
    for (const Message& message : sent_) {
      EXPECT_LE(message.bytes, most);
      EXPECT_EQ(message.sequence, before) << "data records only, also after templates";
      before += message.records.size();
    }
    std::uint64_t next = 1024;
    for (const Record& record : records()) {
      if (!record.contains(227)) continue;
      EXPECT_EQ(record.at(227), next++);
    }
    EXPECT_EQ(next, 1424U);
  }
}

TEST_F(Ipfix, RefusalsAreExhaustionAndQuotaEvents) {
  make(1400);
  ExhaustionRecord ports = refused(pipeline::DropReason::kPortsExhausted);
  ports.addresses = {Ipv4Addr{10, 10, 10, 20}, Ipv4Addr{10, 10, 10, 21}};
  messages_->add(ports, kNow);
  messages_->add(refused(pipeline::DropReason::kFlowTableFull), kNow);
  messages_->add(refused(pipeline::DropReason::kPodLimit), kNow);
  messages_->add(refused(pipeline::DropReason::kProtocolInUse), kNow);
  messages_->finish(kNow);
  const auto time = std::pair{323U, kNow.value};
  EXPECT_EQ(records(),
            (std::vector<Record>{{time, {230, 12}, {225, 0x0a0a0a14}, {4, 6}},
                                 {time, {230, 12}, {225, 0x0a0a0a15}, {4, 6}},
                                 {time, {230, 13}, {466, 1}, {471, 99}},
                                 {time, {230, 13}, {466, 3}, {473, 99}, {8, 0x0a0a1415}}}));
}

}  // namespace
}  // namespace sluice::telemetry
