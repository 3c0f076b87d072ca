// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/http_client.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <array>
#include <memory>

namespace sluice::telemetry {
namespace {

constexpr int kPatienceMs = 5000;
constexpr std::size_t kLongestBody = 1 << 20;

struct Url {
  std::string host;
  int port = 80;
  std::string path;
};

Result<Url> parse(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return Error{text + ": only http:// is spoken here"};
  const std::size_t slash = std::min(text.find('/', kScheme.size()), text.size());
  Url url{text.substr(kScheme.size(), slash - kScheme.size()), 80, text.substr(slash)};
  const std::size_t colon = url.host.rfind(':');
  if (colon != std::string::npos && url.host.back() != ']') {
    const std::string port = url.host.substr(colon + 1);
    if (port.empty() || port.size() > 5 ||
        port.find_first_not_of("0123456789") != std::string::npos) {
      return Error{text + ": the port is no number"};
    }
    url.port = std::stoi(port);
    url.host.resize(colon);
  }
  return url;
}

}  // namespace

Result<HttpAnswer> http(const std::string& method,
                        const std::string& url,
                        const std::string& headers) {
  const auto parsed = parse(url);
  if (!parsed) return Error{parsed.error()};
  const Url& to = parsed.value();
  std::array<char, 256> why{};
  const std::unique_ptr<mg_connection, void (*)(mg_connection*)> connection(
      mg_connect_client(to.host.c_str(), to.port, 0, why.data(), why.size()), mg_close_connection);
  if (!connection) return Error{fmt::format("{}: {}", url, why.data())};
  mg_printf(connection.get(),
            "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n%sConnection: close\r\n\r\n",
            method.c_str(), to.path.c_str(), to.host.c_str(), headers.c_str());
  if (mg_get_response(connection.get(), why.data(), why.size(), kPatienceMs) < 0) {
    return Error{fmt::format("{}: {}", url, why.data())};
  }
  HttpAnswer answer{mg_get_response_info(connection.get())->status_code, {}};
  std::array<char, 4096> piece;
  for (int count = 0; (count = mg_read(connection.get(), piece.data(), piece.size())) > 0;) {
    answer.body.append(piece.data(), static_cast<std::size_t>(count));
    if (answer.body.size() > kLongestBody) return Error{url + ": the answer has no end"};
  }
  return answer;
}

}  // namespace sluice::telemetry
