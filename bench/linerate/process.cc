// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "linerate/stop.h"

namespace sluice::bench {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(10);

/// In the child.
[[noreturn]] void become(std::vector<char*>& arguments, int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A script's background command ignores it, and its children would; it is how they are to end.
  ::signal(SIGINT, SIG_DFL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvp(arguments.front(), arguments.data());
  ::dprintf(STDERR_FILENO, "%s: %s\n", arguments.front(), std::strerror(errno));
  constexpr int kNotFound = 127;
  ::_exit(kNotFound);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const Options& options) {
  std::vector<char*> arguments;
  for (const std::string& word : options.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  int input[2];
  if (::pipe2(input, O_CLOEXEC) != 0) return Error{std::strerror(errno)};
  const int output =
      ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  const pid_t pid = output < 0 ? -1 : ::fork();
  if (pid == 0) become(arguments, input[0], output);
  const int error = errno;
  ::close(input[0]);
  if (output >= 0) ::close(output);
  if (pid < 0) {
    ::close(input[1]);
    return Error{fmt::format("{}: {}", fmt::join(options.command, " "), std::strerror(error))};
  }
  return std::unique_ptr<Process>(new Process(pid, input[1], options.output));
}

bool Process::runs() {
  if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) != 0;
  return !ended_;
}

std::string Process::how_it_ended() const {
  if (!WIFSIGNALED(status_)) return fmt::format("status {}", WEXITSTATUS(status_));
  return fmt::format("signal {} ({})", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
}

Process::~Process() {
  constexpr auto kPatience = std::chrono::seconds(10);
  if (runs()) ::kill(pid_, SIGINT);
  for (auto waited = std::chrono::milliseconds(0); runs() && waited < kPatience; waited += kPoll) {
    std::this_thread::sleep_for(kPoll);
  }
  if (runs()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(input_);
}

void Process::say(const std::string& line) const {
  const std::string text = line + "\n";
  if (::write(input_, text.data(), text.size()) < 0) return;  // it has ended: runs() tells
}

std::string Process::output() const {
  std::ostringstream text;
  text << std::ifstream(output_).rdbuf();
  return text.str();
}

template <typename Condition>
bool Process::wait_until(Condition condition, std::chrono::milliseconds patience) {
  for (auto waited = std::chrono::milliseconds(0); waited < patience; waited += kPoll) {
    throw_if_stopped();
    if (condition(output())) return true;
    if (!runs()) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

bool Process::wait_for(const std::string& text,
                       unsigned times,
                       std::chrono::milliseconds patience) {
  const auto enough = [&](const std::string& all) {
    unsigned found = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
    return found >= times;
  };
  return wait_until(enough, patience);
}

bool Process::wait_for_end(const std::string& text, std::chrono::milliseconds patience) {
  return wait_until([&](const std::string& all) { return all.ends_with(text); }, patience);
}

Result<std::string> run_command(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return Error{command + ": " + std::strerror(errno)};
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe)) {
    text.append(part.data(), size);
  }
  if (::pclose(pipe) != 0) return Error{fmt::format("{}: {}", command, text)};
  return text;
}

}  // namespace sluice::bench
