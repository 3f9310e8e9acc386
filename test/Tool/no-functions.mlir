// A module without functions is fine, whatever runs on it.
// RUN: kvlift-opt %s --pass-pipeline='builtin.module(canonicalize,kvlift-find-state,kvlift-tie-state)' | filecheck %s

// CHECK: module @empty
module @empty {}
