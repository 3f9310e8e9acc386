#include "kvlift/Pipeline.h"
#include "kvlift/State.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
using namespace kvlift;
int main(int c, char **v) {
  auto loaded = loadHost(getenv("KVLIFT_MLIR_LIBRARY"));
  if (!loaded.host) { std::cerr << loaded.error << "\n"; return 1; }
  ApiScope scope(*loaded.host);
  OwnedContext ctx; DiagnosticLog log;
  std::ifstream f(v[1]); std::stringstream ss; ss << f.rdbuf();
  OwnedModule m; { HostDiagnosticScope h(ctx.get(), log); m = OwnedModule::parse(ctx.get(), ss.str()); }
  Status s = Status::failure();
  if (m) if (auto steps = parsePipeline(ctx.get(), v[2], log)) s = runPipeline(m.operation(), *steps, log);
  for (auto &d : log.all()) std::cerr << d.print();
  if (s.succeeded()) { std::cout << m.operation().print() << "\n"; if (auto j = manifestJson(m.operation(), log)) std::cerr << *j << "\n"; }
  (void)c; return s.failed();
}
