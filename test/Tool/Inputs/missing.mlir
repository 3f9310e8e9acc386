// expected-error @+1 {{something}}
func.func @f() { return }
