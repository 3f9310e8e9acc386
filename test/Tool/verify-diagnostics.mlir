// Every way to say where and what is expected.
// RUN: kvlift-opt %s --split-input-file --verify-diagnostics

func.func @same_line() { return %0 : i32 } // expected-error {{use of undeclared SSA value name}}

// -----

func.func @offsets() {
  // expected-error @+1 {{is unknown}}
  foo
}

// -----

func.func @backwards() {
  foo
  // expected-error@-1 {{custom op 'foo'}}
}

// -----

func.func @above() {
  foo
  // expected-error @above {{custom op 'foo'}}
}

// -----

// Other such comments between a comment and what it means do not count.
// expected-error @+3 {{redefinition of symbol named 'twice'}}
// expected-note-re @below {{see {{exi.*ing}} symbol {{[a-z]+}}}}
func.func private @twice()
func.func private @twice()

// -----

func.func @pattern() {
  // expected-error-re @below {{custom op '{{f[aeiou]+}}' is unknown}}
  foo
}

// -----

// Nothing is expected here, and nothing comes.
func.func @clean() { return }
