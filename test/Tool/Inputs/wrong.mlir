// expected-error @+1 {{custom op}}
func.func @line() {
  foo
}

// -----

func.func @text() {
  // expected-error @+1 {{custom op 'bar'}}
  foo
}

// -----

func.func @severity() {
  // expected-remark @+1 {{custom op}}
  foo
}

// -----

func.func @number() {
  // expected-error @+2 {{custom op}}
  // expected-error @+1 {{custom op}}
  foo
}

// -----

func.func @pattern() {
  // expected-error-re @+1 {{custom {{[}}}}
  foo
}
