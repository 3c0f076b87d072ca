// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/manual.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/commands.h"

namespace sluice::cli {
namespace {

using console::roff;

/// sluice(1): the program's commands and options, and the console's commands.
std::string program_page() {
  std::string text = R"(.TH SLUICE 1
.SH NAME
sluice \- NAT egress gateway in user space
.SH SYNOPSIS
.B sluice
.I COMMAND
[\fIOPTIONS\fR]
.SH COMMANDS
)";
  text += usage_section();
  text += R"(.SH CONSOLE COMMANDS
Words are typed as they stand, CAPITALS are filled in, groups in brackets may be left out.
)";
  text += console::manual_section();
  return text + R"(.SH EXIT STATUS
0: done. 1: it could not be done. 2: bad usage or bad configuration.
.SH SEE ALSO
.BR sluice.yaml (5)
)";
}

/// sluice.yaml(5): the annotated reference, which a test holds against the reader.
std::string configuration_page(const std::string& reference) {
  std::ifstream file(reference);
  std::string text = R"(.TH SLUICE.YAML 5
.SH NAME
sluice.yaml \- configuration of sluice
.SH DESCRIPTION
Every key with its default.
.nf
)";
  int line_number = 0;
  constexpr int kLicence = 2;
  for (std::string line; std::getline(file, line);) {
    if (++line_number > kLicence) text += roff(line) + "\n";
  }
  return text + ".fi\n.SH SEE ALSO\n.BR sluice (1)\n";
}

}  // namespace

int manual(const Options& options) {
  const std::string page = options.words.empty() ? "" : options.words.front();
  if (page == "console") {
    fmt::print("{}", console::manual_markdown());
  } else if (page == "sluice.1") {
    fmt::print("{}", program_page());
  } else if (page == "sluice.yaml.5" && options.words.size() == 2) {
    fmt::print("{}", configuration_page(options.words[1]));
  } else {
    fmt::print(stderr, "usage: sluice manual console|sluice.1|sluice.yaml.5 REFERENCE\n");
    return kBadUsage;
  }
  return kDone;
}

}  // namespace sluice::cli
