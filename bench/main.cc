// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
