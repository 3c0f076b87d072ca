// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/http_server.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <chrono>
#include <future>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "telemetry/metrics.h"

namespace sluice::telemetry {

struct HttpServer::Impl {
  mg_context* context = nullptr;
  std::string host;  ///< listened at
  int port = 0;
  std::string said;  ///< by the server, while it starts
  std::shared_mutex mutex;
  const Telemetry* telemetry = nullptr;
};

namespace {

struct Page {
  int status = 200;
  std::string text;
};

Page metrics(const Telemetry& telemetry) {
  return {200, prometheus::TextSerializer().Serialize(collect(telemetry))};
}

Page healthz(const Telemetry&) { return {200, "ok\n"}; }

Page readyz(const Telemetry& telemetry) {
  const auto status = telemetry.status();
  if (status->not_ready.empty()) return {200, "ready\n"};
  return {503, fmt::format("not ready\n{}\n", fmt::join(status->not_ready, "\n"))};
}

/// The status is what a handler returns: 0 would have the server answer once more.
int refuse_method(mg_connection* connection) {
  constexpr int kMethodNotAllowed = 405;
  constexpr std::string_view kText = "GET or HEAD\n";
  mg_printf(connection,
            "HTTP/1.1 %d Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Type: text/plain\r\n"
            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
            kMethodNotAllowed, kText.size());
  mg_write(connection, kText.data(), kText.size());
  return kMethodNotAllowed;
}

template <Page (*kPage)(const Telemetry&)>
int answer(mg_connection* connection, void* data) {
  auto& server = *static_cast<HttpServer::Impl*>(data);
  const std::string_view method = mg_get_request_info(connection)->request_method;
  if (method != "GET" && method != "HEAD") return refuse_method(connection);
  Page page{503, "starting or stopping\n"};
  {
    const std::shared_lock lock(server.mutex);
    if (server.telemetry != nullptr) page = kPage(*server.telemetry);
  }
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
            page.status, page.status == 200 ? "OK" : "Service Unavailable", page.text.size());
  if (method == "GET") mg_write(connection, page.text.data(), page.text.size());
  return page.status;
}

int keep_message(const mg_connection* connection, const char* message) {
  auto* server = static_cast<HttpServer::Impl*>(mg_get_user_data(mg_get_context(connection)));
  if (server != nullptr && server->said.empty()) server->said = message;
  return 1;  // it is not to log by itself
}

}  // namespace

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& listen) {
  auto impl = std::make_unique<Impl>();
  const std::size_t colon = listen.rfind(':');
  impl->host = listen.substr(0, colon);
  if (impl->host.starts_with('[')) impl->host = impl->host.substr(1, impl->host.size() - 2);
  impl->port = std::stoi(listen.substr(colon + 1));
  mg_callbacks callbacks{};
  callbacks.log_message = keep_message;
  // A client that says nothing has a thread to itself until its time is over; the others are for
  // the health checks.
  const char* options[] = {"listening_ports",    listen.c_str(), "num_threads", "32",
                           "request_timeout_ms", "2000",         nullptr};
  impl->context = mg_start(&callbacks, impl.get(), options);
  if (impl->context == nullptr) {
    return Error{
        fmt::format("metrics.listen: {} cannot be listened at ({}); name another "
                    "ADDRESS:PORT, or \"\" for none",
                    listen, impl->said)};
  }
  mg_set_request_handler(impl->context, "/metrics$", answer<metrics>, impl.get());
  mg_set_request_handler(impl->context, "/healthz$", answer<healthz>, impl.get());
  mg_set_request_handler(impl->context, "/readyz$", answer<readyz>, impl.get());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

/// The server waits for clients for two seconds at a time before it looks whether it is to stop:
/// one that comes ends its wait, and with it the gateway's.
HttpServer::~HttpServer() {
  const std::future<void> stopped = std::async(std::launch::async, mg_stop, impl_->context);
  while (stopped.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready) {
    std::array<char, 128> said;
    mg_connection* client =
        mg_connect_client(impl_->host.c_str(), impl_->port, 0, said.data(), said.size());
    if (client != nullptr) mg_close_connection(client);
  }
}

void HttpServer::serve(const Telemetry& telemetry) {
  const std::unique_lock lock(impl_->mutex);
  impl_->telemetry = &telemetry;
}

void HttpServer::stop() {
  const std::unique_lock lock(impl_->mutex);
  impl_->telemetry = nullptr;
}

}  // namespace sluice::telemetry
