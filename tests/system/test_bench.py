# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The measuring tools work, and every packet they verify is as it should be. Not about speed."""

import importlib.machinery
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest
from unittest import mock

import support
from lab.topology import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "bench"))
from runner import pictures, plan, results, summary, targets  # noqa: E402

SESSIONS = 630
GENTLY = "2000"  # packets a second: what a busy machine loses is no fault of the gateway
NOTHING = ("lost", "foreign", "wrong_tuple", "wrong_checksum", "doubled")


def _linerate():
    return support.BINARY.parent / "bench" / "linerate"


@unittest.skipUnless(_linerate().exists(), "built without -Dbench=true")
class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def measured(self, *arguments):
        """What linerate reports of its one run."""
        report = self.folder / "report.json"
        ended = subprocess.run(
            [_linerate(), "--sluice", support.BINARY, "--sessions", str(SESSIONS), "--rate", GENTLY,
             f"--json={report}", *arguments],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        return json.loads(report.read_text())["runs"][0]

    def verified(self, *arguments):
        run = self.measured("--seconds", "0.1", "--phases", "verify", *arguments)
        self.assertEqual(run["establish"]["known"], SESSIONS)
        self.assertEqual(run["verify"]["received"], 2 * SESSIONS)
        self.assertEqual({name: run["verify"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_every_udp_packet_over_memif(self):
        self.verified("--link", "memif")

    def test_every_tcp_packet_over_af_packet(self):
        self.verified("--link", "af_packet", "--protocol", "tcp")

    def test_sessions_outlive_what_disturbs(self):
        run = self.measured("--seconds", "0.5", "--pairs", "1", "--phases", "disturbance")
        for kind in ("watched", "operated", "captured", "filtered"):
            for trial in run["disturbance"][kind][0].values():
                self.assertGreater(trial["received"], 0)
                self.assertGreater(trial["busy_cycles"], 0)
        self.assertEqual(run["verify_disturbed"]["received"], 2 * SESSIONS)
        self.assertEqual({name: run["verify_disturbed"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_a_flood_is_refused_by_name_and_harms_nobody(self):
        run = self.measured("--seconds", "2", "--pairs", "1", "--phases", "flood")
        inside, outside = (run["flood"][side][0]["with"] for side in ("inside", "outside"))
        for trial in (inside, outside):
            self.assertGreater(trial["flood_sent"], 0)
            self.assertEqual(trial["lost"], 0)
        # The table has 1,024 records: what finds none is refused, to the packet.
        self.assertEqual(inside["refused"], {"flow_table_full": inside["flood_sent"] - inside["flood_passed"]})
        # Random sources: some are nobody's, or a pod's.
        self.assertLessEqual(set(outside["refused"]), {"no_session", "martian_source", "spoofed_source"})
        self.assertEqual(sum(outside["refused"].values()), outside["flood_sent"])
        self.assertEqual({name: run["verify_flooded"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_what_cannot_be_disturbed_is_refused(self):
        for arguments in (["--link", "af_packet"], ["--protocol", "tcp"], ["--dut", "testpmd-macswap"]):
            ended = subprocess.run([_linerate(), "--phases", "disturbance", *arguments], text=True,
                                   capture_output=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 2, ended.stdout)
            self.assertIn("disturbance needs dut sluice, protocol udp, and link memif or vhost", ended.stderr)

    def test_a_signal_leaves_nothing_behind_but_what_is_finished(self):
        report = self.folder / "report.json"
        for number in (signal.SIGTERM, signal.SIGINT):
            with subprocess.Popen(
                    [_linerate(), "--sluice", support.BINARY, "--sessions", str(SESSIONS), "--seconds", "600",
                     "--json", report],
                    text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={**os.environ, "TMPDIR": str(self.folder)}) as running:
                self.addCleanup(running.kill)
                while "64 bytes" not in (line := running.stderr.readline()):  # ten minutes of it from here on
                    self.assertNotEqual(line, "", "ended by itself")
                self.assertTrue(list(self.folder.glob("linerate-*")))
                running.send_signal(number)
                _, said = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 1, said)
            self.assertIn("linerate: stopped by a signal", said)
            self.assertEqual(list(self.folder.glob("linerate-*")), [])
            kept = json.loads(report.read_text())
            self.assertEqual(kept["stopped"], "stopped by a signal")
            self.assertEqual(kept["runs"][0]["establish"]["known"], SESSIONS)
            report.unlink()

    def test_a_report_that_cannot_be_written_is_an_error(self):
        self.assertEqual(self.refused("--json", "/nonexistent/x.json"),
                         "json /nonexistent/x.json: No such file or directory; name a file that can be written")
        ended = subprocess.run(  # which can be opened
            [_linerate(), "--sluice", support.BINARY, "--sessions", str(SESSIONS), "--phases", "establish",
             "--seconds", "0.1", "--rate", GENTLY, "--json", "/dev/full"],
            text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("linerate: json /dev/full: the report could not be written", ended.stderr)

    def test_a_device_that_ends_ends_the_run(self):
        # Not over memif: DPDK's driver may crash where a peer vanishes while it is polled.
        for rate, sign in (("10", "opening 630 sessions"), (GENTLY, "64 bytes")):
            with self.subTest(sign), subprocess.Popen(
                    [_linerate(), "--sluice", support.BINARY, "--sessions", str(SESSIONS), "--seconds", "600",
                     "--link", "af_packet", "--rate", rate, "--json", self.folder / "report.json"],
                    text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
                self.addCleanup(running.kill)
                while sign not in (line := running.stderr.readline()):
                    self.assertNotEqual(line, "", "ended by itself")
                children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
                gateway, = (int(child) for child in children
                            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "sluice")
                os.kill(gateway, signal.SIGKILL)
                try:
                    _, said = running.communicate(timeout=20)
                finally:  # it would go on for minutes
                    running.terminate()
            self.assertEqual(running.returncode, 1, said)
            self.assertIn("linerate: the device under test ended: signal 9 (Killed)", said)
            report = json.loads((self.folder / "report.json").read_text())
            self.assertIn("the device under test ended", report["stopped"])
            self.assertEqual([run["trials"] for run in report["runs"]], [[]])

    def test_a_device_that_does_not_start_says_how_it_ended(self):
        ended = subprocess.run([_linerate(), "--sluice", "/bin/false"], text=True, capture_output=True,
                               timeout=60, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("linerate: sluice does not start: status 1\n", ended.stderr)

    def refused(self, *arguments):
        """What linerate says of what it will not do."""
        ended = subprocess.run([_linerate(), *arguments], text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
        return ended.stderr.removeprefix("linerate: ").strip()

    def test_options_that_make_no_sense_are_refused(self):
        for arguments, said in (
                (["--seconds", "0"], "seconds 0: more than 0, up to 3600, are accepted"),
                (["--seconds=-1"], "seconds -1: more than 0, up to 3600, are accepted"),
                (["--pairs", "0"], "pairs 0: 1 to 10000 are accepted"),
                (["--rate=-5"], "rate -5: 0, which is as fast as packets are taken, to 1e9 are accepted"),
                (["--precision", "0"], "precision 0: 0.0001 to 0.5 are accepted"),
                (["--frame", "1900"], "frame 1900: 64 to 1518 bytes, with FCS, are accepted"),
                (["--worker-core", "9999"], "worker-core 9999: not a core that this program may run on"),
                (["--tester-core", "0", "--worker-core", "0"],
                 "worker-core 0: the tester's; name another one than tester-core"),
                (["p2.yaml"], "p2.yaml: no option; a plan is named by --plan p2.yaml"),
                (["--sessions", "64512", "--quiet", "p2.yaml"], "p2.yaml: no option; a plan is named by"),
                (["--dut", "foo"], "dut foo: sluice, testpmd-macswap, linux-nft, external are accepted"),
                (["--link", "foo"], "link foo: memif, vhost, af_packet are accepted"),
                (["--protocol", "icmp"], "protocol icmp: udp, tcp are accepted"),
                (["--sluice", "/nosuch"], "sluice /nosuch: No such file or directory; name the program")):
            with self.subTest(arguments):
                said_of_it = self.refused(*arguments)
                self.assertTrue(said_of_it.startswith(said), said_of_it)

    def test_where_there_is_one_core_only_both_may_share_it(self):
        alone = min(os.sched_getaffinity(0))
        ended = subprocess.run(
            ["taskset", "--cpu-list", str(alone), _linerate(), "--tester-core", str(alone), "--worker-core", str(alone),
             "--sluice", "/bin/false"], text=True, capture_output=True, timeout=60, check=False)
        self.assertIn("sluice does not start", ended.stderr)

    def test_plans_that_make_no_sense_are_refused_by_file_line_and_key(self):
        plan_file = self.folder / "plan.yaml"
        for text, said in (
                ("dut: sluice\nmatrix: {sessions: []}", "sessions: an empty list; name at least one"),
                ("dut: sluice\nmatrix:\n  frames: [64]",
                 f"{plan_file}:3: no such key: frames; there are sessions, frame, direction"),
                ("second: 1", f"{plan_file}:1: no such key: second; there are dut, "),
                ("\nseconds: soon", f"{plan_file}:2: seconds: soon: a number wanted"),
                ("matrix:\n  sessions: [many]", f"{plan_file}:2: sessions: [many]: a list of numbers wanted"),
                ("matrix: all", f"{plan_file}:1: keys with values are accepted"),
                ("dut: [", f"{plan_file}:"),
                (None, "/nosuch.yaml: cannot be read")):
            with self.subTest(text):
                plan_file.write_text(text or "")
                said_of_it = self.refused("--plan", plan_file if text else "/nosuch.yaml")
                self.assertTrue(said_of_it.startswith(said), said_of_it)

    def test_the_whole_run(self):
        ended = subprocess.run(
            [REPOSITORY / "bench" / "run", "--smoke", "--build", support.BINARY.parent,
             "--out", self.folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        text = (self.folder / "summary.md").read_text()
        self.assertIn(f"By `bench/run --smoke --build {support.BINARY.parent} --out {self.folder}`, extent: smoke, with a ",
                      text)
        self.assertIn("## Targets", text)


def _bench_run():
    """The program bench/run, as a module."""
    loader = importlib.machinery.SourceFileLoader("bench_run", str(REPOSITORY / "bench" / "run"))
    module = types.ModuleType(loader.name)
    module.__file__ = loader.path
    loader.exec_module(module)
    return module


def _micro(name, **more):
    return {"name": f"{name}/manual_time", "run_type": "iteration", **more}


def _line(dut, trials=(), **more):
    return {"dut": dut, "machine": {}, "runs": [{"sessions": 630, "trials": list(trials), **more}]}


def _trial(rate):
    return {"maximum": {"received_rate": rate, "busy_cycles": rate}}


class Report(unittest.TestCase):
    """What bench/run makes of what the programs say; nothing is measured."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.results = results.Results()

    def micro(self, *entries):
        self.results.add_micro({"context": {}, "benchmarks": list(entries)})

    def row(self, what):
        return next(row for row in targets.rows(self.results) if row.what.startswith(what))

    def test_a_benchmark_that_fails_is_a_failure_and_the_reason_of_its_row(self):
        name = f"path/sluice/both/sessions:{plan.MIDDLE}"
        failed = _micro(name, error_occurred=True, error_message="a packet was not translated")
        self.micro(failed, failed, _micro(f"path/io/both/sessions:{plan.MIDDLE}", cycles=20.0))
        self.assertEqual([failure["step"] for failure in self.results.failures], [name])
        row = self.row(f"NAT path above I/O, {plan.MIDDLE}")
        self.assertEqual(row.figure, f"not measured: {name} failed: a packet was not translated")
        self.assertEqual(self.row(f"NAT path above I/O, {plan.SIZES[2]}").figure, targets.NOT_RUN)

    def measure(self, step):
        """The steps after it are run, whatever becomes of it."""
        ran = []
        last = plan.Step("last", 1, lambda *_: ran.append("last"), {})
        self.results = _bench_run().measure([step, last], plan.Programs(self.folder), self.folder)
        self.assertEqual(ran, ["last"])
        self.assertTrue((self.folder / "results.json").exists())

    def test_a_step_that_fails_is_the_reason_of_its_rows_and_ends_nothing(self):
        def run(*_):
            raise IndexError("out of range")
        self.measure(plan.Step("pair 1", 1, run, {"tag": "memif", "dut": "testpmd-macswap"}))
        self.assertIn("pair 1 failed: IndexError: out of range", self.row("sluice / macswap").figure)
        self.assertIn("- pair 1: IndexError: out of range", summary.text(self.results, plan.QUICK, []))

    def test_a_stopped_run_reports_what_it_has(self):
        bench_run = _bench_run()
        ran = []

        def step(name, run):
            return plan.Step(name, 1, run, {"tag": name, "dut": "sluice"})
        steps = [step("first", lambda *_: ran.append("first")), step("second", bench_run.stop),
                 step("third", lambda *_: ran.append("third"))]
        measured = bench_run.measure(steps, plan.Programs(self.folder), self.folder)
        self.assertEqual(ran, ["first"])
        self.assertEqual([failure["step"] for failure in measured.failures], ["second", "third"])
        self.assertIn("- third: Stopped: before it was done", summary.text(measured, plan.QUICK, []))

    def hung_up(self, *before):
        """bench/run whose first program runs when its terminal hangs up, and ends where it is told to end."""
        for name in ("micro", "linerate", "../sluice"):
            self.program(name, f'trap "touch {self.folder}/tidied; exit" TERM; touch {self.folder}/ready; '
                               f'while ! [ -e {self.folder}/enough ]; do sleep 0.01; done')
        read, write = os.pipe()
        running = subprocess.Popen(
            [*before, REPOSITORY / "bench" / "run", "--smoke", "--build", self.folder, "--out", self.folder / "out"],
            stdin=subprocess.DEVNULL, stdout=write, stderr=write)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        os.close(write)
        while not (self.folder / "ready").exists():
            time.sleep(0.01)
        os.close(read)  # nothing can be said from here on
        running.send_signal(signal.SIGHUP)
        return running

    def test_a_terminal_that_hangs_up_ends_it_with_a_report(self):
        self.assertEqual(self.hung_up().wait(timeout=60), 1)
        self.assertTrue((self.folder / "tidied").exists())
        self.assertIn("Stopped: before it was done", (self.folder / "out" / "summary.md").read_text())

    def test_under_nohup_it_goes_on(self):
        running = self.hung_up("nohup")
        (self.folder / "enough").touch()
        self.assertEqual(running.wait(timeout=60), 1)  # its programs report nothing
        self.assertFalse((self.folder / "tidied").exists())
        text = (self.folder / "out" / "summary.md").read_text()
        self.assertIn("- flood: exit status 0, no report", text)  # the last of its steps
        self.assertNotIn("Stopped", text)

    def program(self, name, text):
        file = self.folder / "bench" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def test_a_report_that_is_cut_off_is_a_failure_with_the_last_words(self):
        self.program("micro", 'for last; do :; done; printf \'{"context": \' >"${last#*=}"; echo no memory; exit 1')
        step = next(step for step in plan.steps(plan.SMOKE) if "micro" in step.of)
        self.measure(step)
        self.assertEqual(self.results.failures[0]["why"], "no memory")

    def linerate_that_ends(self, report, status):
        self.program("linerate", f"for last; do :; done; echo '{json.dumps(report)}' >\"${{last#*=}}\"; {status}")
        return plan.Programs(self.folder).linerate()

    def test_a_status_that_says_more_than_what_became_of_packets_makes_a_report_no_sample(self):
        runs = {"runs": []}
        self.assertEqual(self.linerate_that_ends({**runs, "clean": True}, "exit 0")["runs"], [])
        self.assertEqual(self.linerate_that_ends({**runs, "clean": False}, "exit 1")["runs"], [])
        for report, status, why in (
                ({**runs, "clean": False, "stopped": "the device under test ended"}, "exit 1",
                 "the device under test ended"),
                ({**runs, "clean": True}, "kill -SEGV $$", "exit status -11 in spite of its report"),
                (runs, "exit 1", "exit status 1 in spite of its report")):
            with self.subTest(why), self.assertRaises(subprocess.CalledProcessError) as raised:
                self.linerate_that_ends(report, status)
            self.assertEqual(raised.exception.output, why)

    def test_who_is_stopped_lets_the_program_tidy_up(self):
        self.program("linerate", f'trap "touch {self.folder}/tidied; exit" TERM; touch {self.folder}/ready; '
                                 'while :; do sleep 0.01; done')
        wait_for, waits = subprocess.Popen.communicate, []
        def communicate(program, *arguments, **named):
            waits.append(program)
            if len(waits) == 1:
                while not (self.folder / "ready").exists():
                    time.sleep(0.01)
                raise SystemExit("stopped")
            return wait_for(program, *arguments, **named)
        with mock.patch.object(subprocess.Popen, "communicate", communicate), self.assertRaises(SystemExit):
            plan.Programs(self.folder).linerate()
        self.assertTrue((self.folder / "tidied").exists())

    def test_only_neighbours_are_compared_whatever_is_missing(self):
        for number, ours, theirs in ((1, None, 10), (2, 20, 40), (3, 60, 60)):
            for dut, rate in (("sluice", ours), ("testpmd-macswap", theirs)):
                if rate is not None:
                    self.results.add_line("memif", _line(dut, [_trial(rate)]), number)
        share = [self.results.maximum("memif", dut, "received_rate") for dut in ("sluice", "testpmd-macswap")]
        self.assertEqual(share[0].map(share[1], lambda a, b: a / b).samples, [0.5, 1.0])

    def test_latency_at_a_share_of_the_maximum_is_no_sample(self):
        for dut, of in (("sluice", "maximum"), ("testpmd-macswap", "no_drop")):
            latency = [{"load": load, "of": of, "latency": {"p99.9": 1000.0}} for load in (0.5, 0.9)]
            self.results.add_line("latency", _line(dut, [{**_trial(1e6), "latency": latency}]))
        self.assertEqual(self.results.latency("testpmd-macswap", 0.5, "p99.9").samples, [1.0])
        self.assertIn("failed: no rate without loss; latency is at shares of the maximum",
                      self.row("p99.9 latency / macswap's, at 50%").figure)

    def test_repetitions_in_random_order_are_compared_each_with_each(self):
        sluice, io = (f"path/{kind}/both/sessions:{plan.MIDDLE}" for kind in ("sluice", "io"))
        self.micro(_micro(sluice, cycles=70.0), _micro(sluice, cycles=100.0), _micro(io, cycles=20.0))
        self.micro(_micro(io, cycles=30.0))
        row = self.row(f"NAT path above I/O, {plan.MIDDLE}")
        self.assertEqual(row.figure, "60.0 (40.0 - 80.0) cycles")
        self.assertEqual(row.verdict, "met, within the spread")

    def test_a_picture_that_fails_costs_neither_the_summary_nor_the_others(self):
        self.results.add_line("memif", _line("sluice", [_trial(1e6)]))
        def bad(*_):
            raise IndexError("nothing there")
        drawn = [("Bad", "bad.svg", bad, bool), ("Good", "good.svg", lambda *_: None, bool)]
        pyplot = mock.Mock()
        pyplot.subplots.return_value = (mock.Mock(), mock.Mock())
        with mock.patch.object(pictures, "pyplot", pyplot), mock.patch.object(pictures, "_PICTURES", drawn):
            _bench_run().report(self.results, plan.QUICK, self.folder, False)
        text = (self.folder / "summary.md").read_text()
        self.assertIn("![Good](good.svg)", text)
        self.assertIn("- picture bad.svg: IndexError: nothing there", text)

    def test_pictures_of_runs_that_failed_are_left_out(self):
        for dut in ("sluice", "testpmd-macswap"):
            self.results.add_line("latency", _line(dut, error="sessions never came through"))
        name = f"path/stages/both/sessions:{plan.MIDDLE}"
        self.micro(_micro(f"path/sluice/both/sessions:{plan.MIDDLE}", cycles=70.0, items_per_second=1e6),
                   _micro(name, error_occurred=True, error_message="no"),
                   _micro("path/stages/both/sessions:64512", cycles=1.0, **{"01 Parse": 1.0}))
        pyplot = mock.Mock()
        axes = mock.Mock()
        axes.get_legend_handles_labels.return_value = ([], [])
        pyplot.subplots.return_value = (mock.Mock(), axes)
        with mock.patch.object(pictures, "pyplot", pyplot):
            drawn = pictures.draw(self.results, self.folder)
        self.assertEqual([file for _, file in drawn], ["rate.svg", "stages.svg", "baselines.svg"])

    def test_the_summary_says_by_which_command_and_build_it_was_made(self):
        for flags, build in (("-O2 -march=x86-64-v2", "a portable build, `-O2 -march=x86-64-v2`"),
                             ("-O3 -march=native", "a native build, `-O3 -march=native`")):
            measured = results.Results("bench/run --build build")
            measured.add_line("memif", {**_line("sluice"), "machine": {"flags": flags}})
            self.assertIn(f"By `bench/run --build build`, extent: quick, with {build}. How",
                          summary.text(measured, plan.QUICK, []))
        self.assertIn("with a build that is not known", summary.text(self.results, plan.QUICK, []))

    def test_what_a_figure_is_of_is_said(self):
        self.micro(_micro("new_flows/capacity:1048576/workers:1/iterations:1", cycles=800.0),
                   _micro("port_choice/permille:999", cycles=1300.0, lookups=7.25))
        text = summary.text(self.results, plan.QUICK, [])
        self.assertIn("| `new_flows/capacity:1048576/workers:1`, removal | 800.0 |", text)
        self.assertIn("| `port_choice/permille:999` | 1300.0 |  | 7.25 |", text)

    def test_folders_that_will_not_do_are_refused(self):
        there = self.folder / "file"
        there.touch()
        for name in ("micro", "linerate", "../sluice"):
            self.program(name, "exit 1")
        for arguments, said in ((["--build", self.folder / "bench"], f"there is no {self.folder / 'bench' / 'sluice'}"),
                                (["--build", self.folder, "--out", "/proc/nope"], "--out /proc/nope: No such file"),
                                (["--build", self.folder, "--out", "/proc"], "--out /proc: "),
                                (["--build", self.folder, "--out", there], f"--out {there}: is no folder")):
            ended = subprocess.run([REPOSITORY / "bench" / "run", "--smoke", *arguments], text=True,
                                   capture_output=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 2, ended.stderr)
            self.assertIn(said, ended.stderr)
