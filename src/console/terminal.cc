// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/terminal.h"

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_rdline.h>
#include <cmdline_socket.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "console/grammar.h"
#include "console/view.h"
#include "console/watch.h"

namespace sluice::console {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostWords = 1024;  // the library's lines are of 512 characters

struct Free {
  void operator()(cmdline_parse_inst_t* instruction) const noexcept { std::free(instruction); }
};
/// The library's one instruction, whose tokens are made as it asks for them: any word is a token,
/// what may complete it is read off the commands' syntax, and the line as a whole is read by the
/// same reader as one from the socket.
using Instruction = std::unique_ptr<cmdline_parse_inst_t, Free>;

/// With room for what the library takes the address of, a place a word.
Instruction make_instruction() {
  constexpr std::size_t kBytes =
      sizeof(cmdline_parse_inst_t) + kMostWords * sizeof(cmdline_parse_token_hdr_t*);
  return Instruction(static_cast<cmdline_parse_inst_t*>(std::calloc(1, kBytes)));
}

/// The library calls back without a place for our own data; there is one terminal a process.
struct Completion {
  std::vector<std::string> words;     ///< before the one in question
  std::vector<Candidate> candidates;  ///< for that one
  std::string line;                   ///< being run
  std::string help;                   ///< of the candidate last asked for
  bool ended = false;                 ///< no word follows, of a line being run
  cmdline_parse_inst_t* instruction = nullptr;
} completion;

bool ends_line(const char* text) {
  while (*text == ' ' || *text == '\t') ++text;
  return *text == '\0' || *text == '\n' || *text == '\r';
}

/// `result` is there when a line is run, not when it is being completed.
int take_word(cmdline_parse_token_hdr_t*, const char* text, void* result, unsigned) {
  const std::size_t length = std::strcspn(text, " \t\r\n");
  if (length == 0) return -1;
  if (result != nullptr && completion.words.empty()) {
    completion.line.assign(text, std::strcspn(text, "\r\n"));
  }
  completion.words.emplace_back(text, length);
  completion.ended = result != nullptr && ends_line(text + length);
  return static_cast<int>(length);
}

int count_candidates(cmdline_parse_token_hdr_t*) {
  completion.candidates = candidates(completion.words);
  return static_cast<int>(completion.candidates.size());
}

int copy_text(const std::string& text, char* to, unsigned size) {
  if (text.size() >= size) return -1;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return 0;
}

int name_candidate(cmdline_parse_token_hdr_t*, int number, char* to, unsigned size) {
  const Candidate& candidate = completion.candidates[static_cast<std::size_t>(number)];
  completion.help = candidate.help;
  completion.instruction->help_str = completion.help.c_str();
  return copy_text(candidate.word, to, size);
}

/// Where no word may follow: that the line is whole, or what is wrong with it.
int describe(cmdline_parse_token_hdr_t*, char* to, unsigned size) {
  if (!completion.candidates.empty()) return copy_text("", to, size);
  const auto typed = read_line(fmt::format("{}", fmt::join(completion.words, " ")));
  completion.help = typed ? std::string(typed.value().command->help) : typed.error();
  completion.instruction->help_str = completion.help.c_str();
  return copy_text(typed ? "RETURN" : "wrong", to, size);
}

bool leaves(std::string_view line) {
  const auto typed = read_line(line);
  return typed.ok() && typed.value().command->syntax == "exit";
}

cmdline_token_ops word_ops{take_word, count_candidates, name_candidate, describe};
cmdline_parse_token_hdr_t word_token{&word_ops, 0};

}  // namespace

struct Terminal::Impl {
  Impl(Run how, std::string answer) : run(std::move(how)), stays(std::move(answer)) {
    completion = {};
    completion.instruction = instruction.get();
    instruction->f = [](void* given, cmdline* out, void* data) {
      if (out == nullptr) {
        next_token(static_cast<cmdline_parse_token_hdr_t**>(given),
                   static_cast<cmdline_parse_token_hdr_t**>(data));
      } else {
        static_cast<Impl*>(data)->take(completion.line);
      }
    };
    instruction->data = this;
    instruction->help_str = "";
    line = cmdline_stdin_new(context.data(), "sluice> ");
  }
  ~Impl() {
    if (line != nullptr) cmdline_stdin_exit(line);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// The library asks for the token at a place of the instruction; none where a line being run
  /// ends.
  static void next_token(cmdline_parse_token_hdr_t** token, cmdline_parse_token_hdr_t** place) {
    const bool first = place == static_cast<void*>(completion.instruction->tokens);
    if (first) {
      completion.words.clear();
      completion.ended = false;
    }
    *token = completion.ended ? nullptr : &word_token;
  }

  void take(const std::string& typed) {
    if (leaves(typed)) return leave();
    auto repeated = read_watch(typed);
    if (!repeated) return say(run(typed));
    if (!*repeated) return print({Answer::Status::kBadUsage, repeated->error() + "\n"});
    watch = std::move(*repeated).value();
    next_look = Clock::now();
  }

  void leave() {
    left = stays.empty();
    if (!left) print({Answer::Status::kFailed, stays + "\n"});
  }

  /// A byte that was typed; false: it is the library's end of input. Ctrl-U, which erases a line
  /// elsewhere, is no key of the library's: Ctrl-A and Ctrl-K do it.
  bool type(char byte) {
    constexpr char kCtrlU = 'U' & 0x1f;
    constexpr std::array<char, 2> kErase{'A' & 0x1f, 'K' & 0x1f};
    if (byte == kCtrlU) return cmdline_in(line, kErase.data(), kErase.size()) >= 0;
    return cmdline_in(line, &byte, 1) >= 0;
  }

  /// The library's end of input, which is a key and no end where the console stays.
  void end_of_input() {
    cmdline_printf(line, "\n");
    leave();
    if (!left) prompt();
  }

  void say(Reply reply) {
    if (auto* begun = std::get_if<std::unique_ptr<Task>>(&reply)) {
      task = std::move(*begun);
    } else {
      print(std::get<Answer>(reply));
    }
  }

  void print(const Answer& answer) {
    std::string text = escaped(answer.text, "\n");
    if (watch) text = std::string(kRedraw) + fitted(text, screen_size());
    // In pieces: the library's own buffer is small.
    constexpr std::size_t kPiece = 256;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
      cmdline_printf(line, "%s", text.substr(at, kPiece).c_str());
    }
  }

  /// What was begun before goes on; true while nothing else is to be read.
  bool goes_on() {
    if (!task) return false;
    const auto answer = task->step();
    if (!answer) return true;
    task.reset();
    print(*answer);
    if (!watch) prompt();
    return false;
  }

  /// Looks again when it is time; a key ends it.
  void look_again() {
    if (Clock::now() < next_look) return;
    next_look = Clock::now() + watch->every;
    say(run(watch->command));
  }

  /// The library has printed its prompt when a command began, not when it ended.
  void prompt() { rdline_redisplay(cmdline_get_rdline(line)); }

  Run run;
  std::string stays;
  bool left = false;
  Instruction instruction = make_instruction();
  std::array<cmdline_parse_inst_t*, 2> context{instruction.get(), nullptr};
  cmdline* line = nullptr;
  std::unique_ptr<Task> task;  ///< a command under way; nothing else is read meanwhile
  std::optional<Watch> watch;
  Clock::time_point next_look;
};

Terminal::Terminal(Run run, std::string stays)
    : impl_(std::make_unique<Impl>(std::move(run), std::move(stays))) {}
Terminal::~Terminal() = default;

bool Terminal::poll() {
  constexpr int kAtMost = 4096;  // typed or pasted at once; the gateway's own turn comes in between
  if (impl_->goes_on()) return true;
  for (int i = 0; i < kAtMost && !impl_->task; ++i) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 0) <= 0) break;
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count <= 0) return false;
    if (impl_->watch) {
      impl_->watch.reset();
      impl_->prompt();
    } else if (!impl_->type(byte)) {
      impl_->end_of_input();
    }
    if (impl_->left) return false;
  }
  if (impl_->watch && !impl_->task) impl_->look_again();
  return true;
}

}  // namespace sluice::console
