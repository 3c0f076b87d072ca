// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <list>
#include <optional>

#include "console/grammar.h"
#include "console/view.h"

namespace sluice::console {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t kClients = 256;
constexpr int kBacklog = 256;  // who connects is kept waiting here, not refused
/// Commands begun a turn: a crowd of clients must not keep the main thread from its own work.
constexpr unsigned kCommandsATurn = 8;
/// Answers that nobody fetches; beyond it tasks, whose answers may be large, wait. Other answers
/// are small: as many as there are clients take less memory than this.
constexpr std::size_t kMostUnread = std::size_t{32} << 20;
/// Tasks' steps a turn, for the same reason as kCommandsATurn.
constexpr std::chrono::milliseconds kTasksATurn{5};
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kLeastPatience{250};
constexpr std::chrono::seconds kFarewell{1};

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool answers(const sockaddr_un& address) {
  const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  return probe.valid() &&
         (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN);
}

/// Lets a group's members use the socket. It was the owner's alone until here; the group comes
/// first, so that it is nobody else's in between.
bool open_to(const std::string& group, const std::string& path) {
  errno = 0;
  const ::group* entry = ::getgrnam(group.c_str());
  if (entry == nullptr) {
    if (errno == 0) errno = ENOENT;
    return false;
  }
  return ::lchown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) == 0 &&
         ::chmod(path.c_str(), 0660) == 0;
}

/// The first line of an answer.
constexpr std::array<std::string_view, 3> kStatusWords{"ok", "error", "usage"};
std::string_view word(Answer::Status status) {
  return kStatusWords[static_cast<std::size_t>(status)];
}

struct Client {
  Descriptor socket;
  SteadyClock::time_point deadline;
  SteadyClock::time_point moved{};  ///< when it last took some of its answer
  std::string in;
  std::string out;
  std::size_t written = 0;
  std::unique_ptr<Task> task;
  bool answered = false;
  bool says_more = false;  ///< has not ended a line that was refused

  void answer(const Answer& answer) {
    out = std::string(word(answer.status)) + "\n" + escaped(answer.text, "\n");
    answered = true;
    moved = SteadyClock::now();
    deadline = moved + kPatience;  // a task's time is not the client's
  }
  /// Has an answer and does not read it.
  [[nodiscard]] bool stalls(SteadyClock::time_point now) const {
    return answered && written < out.size() && now - moved > kLeastPatience;
  }
};

/// Whether the other side is there and silent: it has sent nothing that was not read, nor gone.
bool waits(const Client& client) {
  pollfd state{client.socket.get(), 0, 0};
  return ::poll(&state, 1, 0) == 0;
}

/// How much may still be begun this turn.
struct Budget {
  unsigned commands = kCommandsATurn;
  std::size_t unread = 0;
  SteadyClock::time_point tasks_until = SteadyClock::now() + kTasksATurn;
  bool tasks_wait = false;  ///< for answers to be read

  [[nodiscard]] bool allows_step() {
    if (SteadyClock::now() >= tasks_until) return false;
    if (unread < kMostUnread) return true;
    tasks_wait = true;
    return false;
  }
};

/// Reads a client's line; false once it is done with.
bool read_line_of(Client& client, Session& session, Budget& budget) {
  char buffer[1024];
  while (!client.answered && !client.task) {
    if (budget.commands == 0) {
      // Its turn comes; where a line of it lies here already, the wait is none of its own.
      if (!waits(client)) client.deadline = SteadyClock::now() + kPatience;
      return true;
    }
    const ssize_t count = ::recv(client.socket.get(), buffer, sizeof buffer, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    client.in.append(buffer, static_cast<std::size_t>(count));
    const std::size_t end = client.in.find('\n');
    if (end == std::string::npos) {
      if (client.in.size() <= kLongestLine) continue;
      client.says_more = true;
    }
    --budget.commands;
    Reply reply = run(std::string_view(client.in).substr(0, end), session);
    if (auto* task = std::get_if<std::unique_ptr<Task>>(&reply)) {
      client.task = std::move(*task);
    } else {
      client.answer(std::get<Answer>(reply));
    }
  }
  return true;
}

/// Takes what a client goes on to say of a line that was refused: closing on it would take the
/// answer from it. False once it has ended.
bool hear_out(const Client& client) {
  constexpr int kPiecesATurn = 16;
  char buffer[4096];
  for (int i = 0; i < kPiecesATurn; ++i) {
    const ssize_t count = ::recv(client.socket.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
  }
  return true;
}

/// Goes as far as the client allows; false once it is done with.
bool serve(Client& client, Session& session, Budget& budget) {
  if (client.task) {
    client.deadline = SteadyClock::now() + kPatience;
    if (!waits(client)) return false;
    if (!budget.allows_step()) return true;
    const auto answer = client.task->step();
    if (!answer) return true;
    client.answer(*answer);
    client.task.reset();
    budget.unread += client.out.size();
  }
  if (!read_line_of(client, session, budget)) return false;
  const auto left = [&] { return client.written < client.out.size(); };
  while (left()) {
    const ssize_t count = ::send(client.socket.get(), client.out.data() + client.written,
                                 client.out.size() - client.written, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    client.written += static_cast<std::size_t>(count);
    client.moved = SteadyClock::now();
    if (left() || !client.says_more) continue;
    ::shutdown(client.socket.get(), SHUT_WR);
    client.deadline = SteadyClock::now() + kFarewell;
  }
  return !client.answered || (client.says_more && hear_out(client));
}

}  // namespace

struct SocketServer::Impl {
  std::string path;
  Descriptor listener;
  std::list<Client> clients;
};

SocketServer::SocketServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SocketServer::~SocketServer() { ::unlink(impl_->path.c_str()); }

Result<std::unique_ptr<SocketServer>> SocketServer::listen(const std::string& path,
                                                           const std::string& group) {
  const auto failed = [&](const std::string& why) {
    return Error{fmt::format("console.socket: {}: {}", path, why)};
  };
  const auto address = address_of(path);
  if (!address) return failed("the path is too long for a Unix socket (107 bytes at most)");
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);

  struct stat existing {};
  if (::lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) return failed("exists and is no socket; name another path");
    if (answers(*address)) {
      return failed("is in use by another gateway; stop it or name another path");
    }
    ::unlink(path.c_str());
  }
  Descriptor listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const mode_t mask = ::umask(0177);
  const bool bound = ::bind(listener.get(), generic(*address), sizeof *address) == 0;
  ::umask(mask);
  if (!bound || ::listen(listener.get(), kBacklog) != 0) {
    return failed(fmt::format("cannot be bound: {}", std::strerror(errno)));
  }
  if (!group.empty() && !open_to(group, path)) {
    const std::string why = std::strerror(errno);
    ::unlink(path.c_str());
    return failed(fmt::format("cannot be given to console.group {}: {}", group, why));
  }
  return std::unique_ptr<SocketServer>(
      new SocketServer(std::make_unique<Impl>(Impl{path, std::move(listener), {}})));
}

void SocketServer::poll(Session& session) {
  const auto now = SteadyClock::now();
  auto& clients = impl_->clients;
  while (clients.size() < kClients) {
    Descriptor socket{
        ::accept4(impl_->listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket.valid()) break;
    clients.push_back(Client{std::move(socket), now + kPatience, {}, {}, {}, 0, {}, false});
  }
  // Where others wait at the door, who has said nothing for longest makes room.
  if (clients.size() == kClients) {
    const auto idle = std::find_if(clients.begin(), clients.end(), [](const Client& client) {
      return !client.task && !client.answered;
    });
    if (idle != clients.end() && now + kPatience - idle->deadline > kLeastPatience)
      clients.erase(idle);
  }
  Budget budget;
  for (const Client& client : clients) budget.unread += client.out.size();
  std::erase_if(clients, [&](Client& client) {
    return !serve(client, session, budget) || now > client.deadline;
  });
  // Whoever was not reached is first the next time.
  if (budget.commands == 0 && !clients.empty())
    clients.splice(clients.end(), clients, clients.begin());
  // Who reads nothing keeps nobody else from an answer.
  if (budget.tasks_wait)
    std::erase_if(clients, [&](const Client& client) { return client.stalls(now); });
}

Result<Answer> ask(const std::string& path, const std::string& line) {
  const auto address = address_of(path);
  const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!address || !socket.valid() ||
      ::connect(socket.get(), generic(*address), sizeof *address) != 0) {
    return Error{fmt::format("{}: no gateway answers there ({}); see console.socket", path,
                             std::strerror(errno))};
  }
  const std::string request = line + "\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    return Error{fmt::format("{}: {}", path, std::strerror(errno))};
  }
  std::string reply;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;) {
    reply.append(buffer, static_cast<std::size_t>(count));
  }
  const std::size_t end = reply.find('\n');
  if (end == std::string::npos) return Error{fmt::format("{}: the gateway hung up", path)};
  const auto status = std::find(kStatusWords.begin(), kStatusWords.end(), reply.substr(0, end));
  return Answer{static_cast<Answer::Status>(status - kStatusWords.begin()), reply.substr(end + 1)};
}

}  // namespace sluice::console
