#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What the pages refer to is there: tests, functions, and every requirement and row once.

    references_test.py REPOSITORY_ROOT

How a test and a function are named in a page stands at the head of docs/rfc.md.
"""

import ast
import importlib.util
import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
RFC, CATALOGUE, DIALECTS = "docs/rfc.md", "docs/catalogue.md", "docs/dialects.md"
NOTHING = "–"
VERDICTS = {"follows", "differs", "not applicable"}

# Rows of the catalogue that this release is asked for: all 120 but these.
NOT_ASKED = {4, 16, 17, 18, 19, 20, 36, 40, 41, 47, 54, 84, 87, 89, 90, 92, 96, 100, 101, 115, 116}
ROWS = [row for row in range(1, 121) if row not in NOT_ASKED]

REQUIREMENTS = {
    "4787": "REQ-1 REQ-2 REQ-3 REQ-3a REQ-4 REQ-5 REQ-5a REQ-5b REQ-5c REQ-6 REQ-6a REQ-7 REQ-8 REQ-8a"
            " REQ-9 REQ-9a REQ-10 REQ-10a REQ-11 REQ-12 REQ-12a REQ-12b REQ-13 REQ-13a REQ-14 REQ-14a",
    "5382": "REQ-1 REQ-2 REQ-2a REQ-3 REQ-3a REQ-3b REQ-4 REQ-4a REQ-5 REQ-5a REQ-6 REQ-7 REQ-8 REQ-8a"
            " REQ-9 REQ-10",
    "5508": "REQ-1 REQ-1a REQ-2 REQ-2a REQ-3 REQ-3a REQ-3b REQ-3c REQ-3d REQ-4 REQ-4a REQ-4b REQ-4c"
            " REQ-5 REQ-5a REQ-5b REQ-5c REQ-6 REQ-7 REQ-7a REQ-8 REQ-9 REQ-10a REQ-10b REQ-10c REQ-10d"
            " REQ-10e REQ-10f REQ-11",
    "7857": "2 2.1 2.2 3 4 5 6 7 7.1 8 9 10 11 12",
    "6888": "REQ-1 REQ-2 REQ-3 REQ-4 REQ-4a REQ-4b REQ-4c REQ-5 REQ-5a REQ-5b REQ-6 REQ-7 REQ-8 REQ-9"
            " REQ-10 REQ-11a REQ-11b REQ-11c REQ-11d REQ-12 REQ-13 REQ-14 REQ-15",
    "791": "2.3 options DF reassembly overlap timer",
    "1812": "4.2.2.7 4.3.2.1 4.3.2.3 4.3.2.4 4.3.2.5 4.3.2.7 4.3.2.8 4.3.3.6 4.3.3.8 5.2.6 5.2.7.1 5.2.7.2"
            " 5.2.7.3 5.3.1 5.3.13",
    "1191": "router transit host",
    "6864": "4.1 4.3 5.3.1 DF",
}


def read(name):
    return (ROOT / name).read_text()


# --- pages ---------------------------------------------------------------------------------------

def spans(text):
    return re.findall(r"`([^`]+)`", text)


def tables(text):
    """Each row of each table: its line, and its cells by the heading above them."""
    headings = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            headings = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if headings is None:
            headings = cells
        elif len(cells) != len(headings):
            raise ValueError(f"line {number}: {len(cells)} cells under {len(headings)} headings")
        elif not set(line) <= set("|- :"):
            yield number, dict(zip(headings, cells))


def cited_tests(text):
    """(line, reference): all that a column of tests cites, and what has a test's shape elsewhere."""
    found = []
    for number, row in tables(text):
        found += [(number, span) for span in spans(row.get("test", ""))]
    shape = re.compile(r"(\w+/)?[A-Z]\w*\.[A-Z]\w*(/\w+)?|test_\w+\.\w+\.test_\w+|cli_test\.\w+\.\w+"
                       r"|differential: .*|vector .*")
    known = set(found)
    for number, line in enumerate(text.splitlines(), 1):
        found += [(number, span) for span in spans(line)
                  if shape.fullmatch(span) and (number, span) not in known]
    return found


def remarks(cell):
    """What a cell of tests says beside their names."""
    return re.sub(r"^[,; ]+", "", re.sub(r"`[^`]+`(, )?", "", cell)).strip()


# --- the tree ------------------------------------------------------------------------------------

class Tree:
    """The tests that there are, by kind."""

    def __init__(self):
        self.cpp = {}
        for path in sorted(ROOT.glob("tests/**/*.cc")):
            text = path.read_text()
            for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text, re.M):
                self.cpp[f"{suite}.{name}"] = text
        self.python = set()
        for path in sorted(ROOT.glob("tests/**/*.py")):
            self.python |= set(_tests_of(path))
        self.scenarios, self.families = _scenarios(ROOT / "tests/differential/scenarios.py")
        self.vectors = set()
        for path in sorted(ROOT.glob("tests/vectors/*.yaml")):
            self.vectors |= set(re.findall(r"^- id: (\S+)$", path.read_text(), re.M))

    def has(self, reference):
        kind, _, rest = reference.partition(" ")
        if kind == "vector":
            return rest in self.vectors
        if kind == "differential:":
            return self._has_scenario(rest)
        if ".test_" in reference:
            return reference in self.python
        return self._has_cpp(reference)

    def _has_scenario(self, name):
        if name.endswith("_*"):
            return name[:-2] in self.families
        if name in self.scenarios:
            return True
        # Cases that are computed are known by their prefix alone.
        return any(name.startswith(f"{family}_") and (cases is None or name[len(family) + 1:] in cases)
                   for family, cases in self.families.items())

    def _has_cpp(self, name):
        """Suite.Name, or as gtest lists a test with parameters: Prefix/Suite.Name/Case."""
        parts = re.fullmatch(r"(?:(\w+)/)?((\w+)\.\w+)(?:/(\w+))?", name)
        if parts is None or parts[2] not in self.cpp:
            return False
        prefix, test, suite, case = parts.groups()
        if (prefix is None) != (case is None):
            return False
        text = self.cpp[test]
        return prefix is None or (_is_case(text, case) and re.search(
            rf"INSTANTIATE_TEST_SUITE_P\(\s*{prefix},\s*{suite},", text) is not None)


def _is_case(text, case):
    variant = re.fullmatch(r"(\d+)(Symmetric|Asymmetric)", case)
    if variant:
        flag = "true" if variant[2] == "Symmetric" else "false"
        return f"Variant{{{variant[1]}, {flag}}}" in text
    return re.search(rf'\{{\s*"{case}",', text) is not None


def _tests_of(path):
    module = ast.parse(path.read_text())
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name.startswith("test_"):
                    yield f"{path.stem}.{node.name}.{method.name}"
    made = [node.targets[0].id for node in module.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name) and node.value.func.id == "type"]
    if not made:
        return
    # Classes that are made when the module is loaded.
    sys.path[:0] = [str(path.parent), str(ROOT / "tools")]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    for name in made:
        for method in vars(getattr(loaded, name)):
            if method.startswith("test_"):
                yield f"{path.stem}.{name}.{method}"


def _scenarios(path):
    """The names that @scenario gives, and those that @each begins names with: {prefix: cases or None}."""
    module = ast.parse(path.read_text())
    assigned = {node.targets[0].id: node.value for node in module.body
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}

    def keys(node):
        if isinstance(node, ast.Name):
            return keys(assigned.get(node.id))
        if not isinstance(node, ast.Dict):
            return None
        found = set()
        for key, value in zip(node.keys, node.values):
            more = keys(value) if key is None else {key.value}
            if more is None:
                return None
            found |= more
        return found

    names, families = set(), {}
    for function in (node for node in module.body if isinstance(node, ast.FunctionDef)):
        for call in function.decorator_list:
            if not isinstance(call, ast.Call):
                continue
            if call.func.id == "scenario":
                names.add(function.name)
            elif call.func.id == "each":
                families[call.args[0].value] = keys(call.args[1])
    return names, families


def functions(cell):
    """(file, function) of a cell like `src/a.cc`: `f`, `C::g`; `src/b.h`: `h`."""
    file, found = None, []
    for span in spans(cell):
        if span.startswith("src/"):
            file = span
            found.append((file, None))
        else:
            found.append((file, span))
    return found


def function_problem(file, function):
    if file is None:
        return f"{function} stands behind no file"
    path = ROOT / file
    if not path.is_file():
        return f"{file} is not there"
    if function and not re.search(rf"(?<![\w:]){re.escape(function)}\s*[({{=\[]", path.read_text()):
        return f"{file} has no {function}"
    return None


# --- what is checked -----------------------------------------------------------------------------

class Names(unittest.TestCase):
    """Every test that a page names."""

    @classmethod
    def setUpClass(cls):
        cls.tree = Tree()

    def check(self, page, at_least):
        cited = cited_tests(read(page))
        wrong = [f"{page}:{line}: {name}" for line, name in cited if not self.tree.has(name)]
        self.assertEqual(wrong, [], "no such test")
        self.assertGreater(len(cited), at_least, f"{page} names too few: is it still read right?")

    def test_rfc(self):
        self.check(RFC, 150)

    def test_catalogue(self):
        self.check(CATALOGUE, 200)

    def test_dialects(self):
        self.check(DIALECTS, 50)

    def test_a_wrong_name_is_found(self):
        good = ["Mapping.Hairpins", "Opening/Track.FollowsTheScenario/SimultaneousOpen",
                "Steer/Workers.NeverHandOutOnePortTwice/8Symmetric", "test_paths.Traceroute.test_three_modes",
                "test_table.NodeTable.test_pod_b1_to_peer", "cli_test.Replay.test_fragments_wait_for_each_other",
                "differential: tcp_refused", "differential: round_trip_udp", "differential: round_trip_*",
                "differential: fragments_udp_012", "vector gateway-01"]
        bad = ["Mapping.Hairpin", "Mappings.Hairpins", "Opening/Track.FollowsTheScenario/Nobody",
               "Nothing/Track.FollowsTheScenario/SimultaneousOpen", "Track.FollowsTheScenario/SimultaneousOpen",
               "Steer/Workers.NeverHandOutOnePortTwice/9Symmetric", "test_paths.Traceroute.test_four_modes",
               "test_table.NodeTable.test_pod_b1_to_nobody", "cli_test.Play.test_fragments_wait_for_each_other",
               "differential: tcp_refuse", "differential: round_trip_gre", "differential: round_*",
               "differential: round_trip", "vector gateway-99", "vector", "nonsense", ""]
        self.assertEqual([name for name in good if not self.tree.has(name)], [])
        self.assertEqual([name for name in bad if self.tree.has(name)], [])

    def test_names_are_read_from_columns_and_text(self):
        text = ("Not `snat.rules`, but `Foo.Bar`.\n\n| row | test |\n|---|---|\n"
                "| 1 | `odd one`, `differential: x` |\n| 2 | open: none |\n")
        self.assertEqual(sorted(cited_tests(text)),
                         [(1, "Foo.Bar"), (5, "differential: x"), (5, "odd one")])
        with self.assertRaises(ValueError):
            list(tables("| a | b |\n|---|---|\n| one |\n"))


class Functions(unittest.TestCase):
    """Every function that docs/rfc.md names, in its file."""

    def test_rfc(self):
        cited = [(line, *one) for line, row in tables(read(RFC)) for one in functions(row.get("where", ""))]
        problems = [(line, function_problem(file, function)) for line, file, function in cited]
        self.assertEqual([f"{RFC}:{line}: {what}" for line, what in problems if what], [])
        self.assertGreater(len(cited), 150)

    def test_a_wrong_one_is_found(self):
        self.assertIsNone(function_problem("src/nat/rewrite.h", "rewrite"))
        self.assertIsNone(function_problem("src/pipeline/stages/allocate.cc", "Allocate::open_translated"))
        self.assertIsNone(function_problem("src/nat/rewrite.h", None))
        for file, function in (("src/nat/rewrite.h", "rewrites"), ("src/nat/rewriting.h", "rewrite"),
                               ("src/nat/rewrite.h", "RFC"), (None, "rewrite"),
                               ("src/pipeline/stages/allocate.cc", "Classify::open_translated")):
            self.assertIsNotNone(function_problem(file, function), (file, function))
        self.assertEqual(functions("`src/a.cc`: `f`, `C::g`; `src/b.h`: `h`"),
                         [("src/a.cc", None), ("src/a.cc", "f"), ("src/a.cc", "C::g"),
                          ("src/b.h", None), ("src/b.h", "h")])


class Requirements(unittest.TestCase):
    """docs/rfc.md has each requirement once, and its rows say something."""

    def setUp(self):
        self.rows = [(line, row) for line, row in tables(read(RFC)) if "requirement" in row]

    def test_each_occurs_once(self):
        wanted = [f"{rfc} {part}" for rfc, parts in REQUIREMENTS.items() for part in parts.split()]
        self.assertEqual([row["requirement"] for _, row in self.rows], wanted)

    def test_rows_are_complete(self):
        self.assertEqual([(line, what) for line, row in self.rows for what in requirement_problems(row)], [])

    def test_an_incomplete_row_is_found(self):
        row = {"requirement": "1 REQ-1", "what it asks": "a", "sluice": "follows", "where": "`src/a.cc`: `f`",
               "test": "`A.B`", "why, if it differs": ""}
        self.assertEqual(requirement_problems(row), [])
        self.assertEqual(requirement_problems(row | {"test": "open: nobody wrote it"}), [])
        for change in ({"sluice": "mostly"}, {"test": ""}, {"test": "someone"}, {"test": NOTHING},
                       {"sluice": "differs"}, {"where": NOTHING}, {"what it asks": ""},
                       {"sluice": "not applicable", "why, if it differs": ""}, {"where": "`f`, `src/a.cc`"},
                       {"where": "somewhere"}):
            self.assertNotEqual(requirement_problems(row | change), [], change)


def requirement_problems(row):
    verdict, why, where, test = (row[key] for key in ("sluice", "why, if it differs", "where", "test"))
    problems = []
    if verdict not in VERDICTS:
        problems.append(f"verdict {verdict!r}")
    if verdict != "follows" and not why:
        problems.append("no reason")
    if not row["what it asks"]:
        problems.append("asks nothing")
    if NOTHING in (where, test):
        # Where nothing was built there is nothing to test, and the other way round.
        if where != test or verdict == "follows":
            problems.append("only one of where and test")
        return problems
    if not functions(where) or functions(where)[0][0] is None:
        problems.append("no file")
    return problems + test_cell_problems(test, ("open: ",))


def test_cell_problems(cell, excuses):
    rest = remarks(cell)
    if rest.startswith(excuses) and len(rest) > 6:
        return []
    if rest or not spans(cell):
        return [f"neither a test nor an excuse: {cell!r}"]
    return []


class Catalogue(unittest.TestCase):
    """docs/catalogue.md has each row that is asked for once, with its tests or the reason for none."""

    EXCUSES = ("open: ", "later: console", "later: several workers")

    def setUp(self):
        self.rows = [(line, row) for line, row in tables(read(CATALOGUE)) if "row" in row]

    def test_each_occurs_once(self):
        self.assertEqual([int(row["row"]) for _, row in self.rows], ROWS)

    def test_rows_are_complete(self):
        wrong = [f"{CATALOGUE}:{line}: {what}" for line, row in self.rows
                 for what in test_cell_problems(row["test"], self.EXCUSES)
                 + ([] if row["scenario"] else ["no scenario"])]
        self.assertEqual(wrong, [])

    def test_an_incomplete_row_is_found(self):
        for cell in ("`A.B`", "`A.B`, `C.D`", "`A.B`; open: the rest", "open: no reason yet", "later: console"):
            self.assertEqual(test_cell_problems(cell, self.EXCUSES), [], cell)
        for cell in ("", "A.B", "`A.B` and more", "open:", "later: perhaps"):
            self.assertNotEqual(test_cell_problems(cell, self.EXCUSES), [], cell)


if __name__ == "__main__":
    unittest.main()
