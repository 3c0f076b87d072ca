# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The console in a real terminal emulator: what a person sees who completes, asks, repeats and resizes."""

from lab.system import run, wait_for
import support
from test_console import ConsoleTest

PROMPT = "sluice>"


class Tmux(ConsoleTest):
    COLUMNS, LINES = 100, 40

    def setUp(self):
        self.running = self.running_lab()
        self.server = self.running.world.folder / "tmux"
        self.addCleanup(self.tmux, "kill-server", check=False)
        console = f"{support.BINARY} console --socket {self.running.gateway.console_socket}; echo left with $?; read wait"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", self.COLUMNS, "-y", self.LINES, "sh", "-c", console)
        self.wait_for_screen(lambda lines: lines == [PROMPT], "the prompt")

    def tmux(self, *words, check=True):
        return run(["tmux", "-S", str(self.server), *map(str, words)], check=check).stdout

    def screen(self):
        """Its lines, without what is empty at the end."""
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").rstrip("\n").splitlines()]

    def wait_for_screen(self, shows, what):
        try:
            wait_for(lambda: shows(self.screen()), what)
        except Exception as vain:
            raise AssertionError(f"{vain}:\n" + "\n".join(self.screen())) from None
        return self.screen()

    def type(self, *keys):
        """Text as it stands; names of keys as tmux has them."""
        for key in keys:
            self.tmux("send-keys", *(() if key in ("Enter", "Tab", "Up", "Left", "C-a", "C-k", "C-u") else ("-l",)), key)

    def shows(self, *lines):
        """Waits until the screen holds exactly these lines."""
        return self.wait_for_screen(lambda screen: screen == list(lines), f"{lines}")

    def test_completion_and_help(self):
        self.type("show mem", "Tab")
        self.shows(f"{PROMPT} show memory")
        self.type("C-a", "C-k", "set log level ", "?")
        self.wait_for_screen(lambda lines: lines[-1] == f"{PROMPT} set log level", "the choices")
        for level in ("error", "warning", "info", "debug"):
            self.assertTrue(any(level in line for line in self.screen()), level)
        self.type("w", "Tab", "Enter")
        self.wait_for_screen(lambda lines: "log.level: warning until the next reload" in lines, "the answer")

    def test_control_u_erases_the_line(self):
        self.type("quit", "C-u", "show memroy", "Left", "Left")
        self.shows(f"{PROMPT} show memroy")
        self.type("C-u")
        self.shows(PROMPT)
        self.type("C-u", "show version", "Enter")
        self.wait_for_screen(lambda lines: lines[0] == f"{PROMPT} show version" and lines[-1] == PROMPT, "the answer")

    def test_help_is_of_the_keyword(self):
        self.type("show flows ?")
        lines = self.wait_for_screen(lambda lines: lines[-1] == f"{PROMPT} show flows", "the help")
        for words in ("remote []: with this address at the other end", "state []: in this state"):
            self.assertTrue(any(words in line for line in lines), "\n".join(lines))

    def test_history_is_brought_back_and_changed(self):
        self.type("show version", "Enter")
        self.wait_for_screen(lambda lines: lines[-1] == PROMPT and len(lines) == 4, "the answer")
        self.type("nonsense", "Enter")
        self.wait_for_screen(lambda lines: "no such command: nonsense; help lists what there is" in lines, "the refusal")
        self.type("Up")
        self.wait_for_screen(lambda lines: lines[-1] == f"{PROMPT} nonsense", "the last line")
        self.type("Up")
        self.wait_for_screen(lambda lines: lines[-1] == f"{PROMPT} show version", "the one before")
        self.type("Enter")
        self.wait_for_screen(lambda lines: sum("dpdk: " in line for line in lines) == 2, "the second answer")

    def test_watch_and_top_take_the_screen_until_a_key(self):
        for line, heading in (("watch show drops 1", "no drops"), ("top", "received packets a second:")):
            self.type(line, "Enter")
            lines = self.wait_for_screen(lambda lines: lines and lines[0].startswith(heading), f"{line} at the top")
            self.assertNotIn(line, "\n".join(lines), "the screen is its alone")
            self.type("q")
            self.wait_for_screen(lambda lines: lines[-1] == PROMPT, "the prompt")
        self.type("watch quit", "Enter")
        self.wait_for_screen(lambda lines: "only show something" in "\n".join(lines), "the refusal")
        self.assertIsNone(self.running.gateway.process.poll())

    def test_a_watched_answer_is_the_answer_and_nothing_else(self):
        self.type("watch show pods 1", "Enter")
        wanted = [line.rstrip() for line in self.console(self.running, "show", "pods").splitlines()]
        self.wait_for_screen(lambda lines: lines == wanted, "what show pods says:\n" + "\n".join(wanted))
        self.type("q")
        self.wait_for_screen(lambda lines: lines[-1] == PROMPT, "the prompt")

    def test_it_is_resized_while_it_watches(self):
        self.type("watch show rates 1", "Enter")
        self.wait_for_screen(lambda lines: any(line.startswith("worker  busy") for line in lines), "the table")
        self.tmux("resize-window", "-x", 60, "-y", 8)
        lines = self.wait_for_screen(lambda lines: lines and lines[-1].endswith("more lines"), "a part of the table")
        self.assertTrue(lines[0].startswith("received packets a second"), "it is the beginning:\n" + "\n".join(lines))
        self.assertLessEqual(len(lines), 7, "nothing has scrolled away")
        self.tmux("resize-window", "-x", 120, "-y", 50)
        self.wait_for_screen(lambda lines: lines and lines[0].startswith("received packets a second"), "all of it")
        self.type("q", "exit", "Enter")
        self.wait_for_screen(lambda lines: lines[-1].endswith("left with 0"), "the end")
        self.running.end(self)
