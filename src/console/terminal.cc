// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/terminal.h"

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>
#include <cmdline_rdline.h>
#include <cmdline_socket.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <sstream>
#include <vector>

namespace sluice::console {

struct Terminal::Impl {
  /// One command in the library's terms: an instruction with a fixed-string token a word.
  struct Instruction {
    const Command* command = nullptr;
    Session* session = nullptr;
    Impl* impl = nullptr;
    std::vector<std::string> words;
    std::vector<cmdline_token_string> tokens;
    std::string help;
    cmdline_parse_inst_t* parsed = nullptr;
  };

  explicit Impl(Session& session) {
    for (const Command& command : commands()) add(command, session);
    for (Instruction& instruction : instructions) context.push_back(instruction.parsed);
    context.push_back(nullptr);
    line = cmdline_stdin_new(context.data(), "sluice> ");
  }

  ~Impl() {
    if (line != nullptr) cmdline_stdin_exit(line);
    for (Instruction& instruction : instructions) std::free(instruction.parsed);
  }

  void add(const Command& command, Session& session) {
    Instruction& instruction = instructions.emplace_back();
    instruction.command = &command;
    instruction.session = &session;
    std::istringstream stream{std::string(command.words)};
    for (std::string word; stream >> word;) instruction.words.push_back(word);
    for (const std::string& word : instruction.words) {
      // Every word may be parsed into the same place: nobody reads it, the words are fixed.
      instruction.tokens.push_back({{&cmdline_token_string_ops, 0}, {word.c_str()}});
    }
    if (!command.argument.empty()) {
      // Parsed last, so it stays: all that is left of the line.
      instruction.tokens.push_back({{&cmdline_token_string_ops, 0}, {TOKEN_STRING_MULTI}});
    }
    instruction.help = std::string(command.words) + ": " + std::string(command.help);
    const std::size_t count = instruction.tokens.size();
    instruction.parsed = static_cast<cmdline_parse_inst_t*>(std::calloc(
        1, sizeof(cmdline_parse_inst_t) + (count + 1) * sizeof(cmdline_parse_token_hdr_t*)));
    instruction.impl = this;
    instruction.parsed->f = [](void* parsed, cmdline* out, void* data) {
      const auto& self = *static_cast<const Instruction*>(data);
      const bool takes = !self.command->argument.empty();
      Reply reply = self.command->run(*self.session, takes ? static_cast<const char*>(parsed) : "");
      if (auto* begun = std::get_if<std::unique_ptr<Task>>(&reply)) {
        self.impl->task = std::move(*begun);
      } else {
        cmdline_printf(out, "%s", std::get<Answer>(reply).text.c_str());
      }
      if (self.session->quit) cmdline_quit(out);
    };
    instruction.parsed->data = &instruction;
    instruction.parsed->help_str = instruction.help.c_str();
    for (std::size_t i = 0; i < count; ++i) instruction.parsed->tokens[i] = &instruction.tokens[i].hdr;
  }

  std::deque<Instruction> instructions;  // their addresses are handed out
  std::vector<cmdline_parse_inst_t*> context;
  cmdline* line = nullptr;
  std::unique_ptr<Task> task;  ///< a command under way; nothing else is read meanwhile
};

Terminal::Terminal(Session& session) : impl_(std::make_unique<Impl>(session)) {}
Terminal::~Terminal() = default;

bool Terminal::poll() {
  constexpr int kAtMost = 4096;  // typed or pasted at once; the gateway's own turn comes in between
  if (impl_->task) {
    const auto answer = impl_->task->step();
    if (!answer) return true;
    cmdline_printf(impl_->line, "%s", answer->text.c_str());
    impl_->task.reset();
  }
  for (int i = 0; i < kAtMost && !impl_->task; ++i) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 0) <= 0) return true;
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count <= 0) return false;
    if (cmdline_in(impl_->line, &byte, 1) < 0) return false;
  }
  return true;
}

}  // namespace sluice::console
