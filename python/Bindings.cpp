//===- Bindings.cpp - kvlift's core for Python ----------------------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No logic: converts arguments, binds the host's table, calls the core. Modules
// and contexts come as the `_CAPIPtr` capsules of torch_mlir.ir and are not
// owned here.
//
//===----------------------------------------------------------------------===//

#include "kvlift/Canary.h"
#include "kvlift/Chains.h"
#include "kvlift/Pipeline.h"
#include "kvlift/Source.h"
#include "kvlift/State.h"
#include "kvlift/TargetModel.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace kvlift;

namespace {

/// The pointer in a `torch_mlir.ir.<Class>._CAPIPtr` capsule.
void *pointerIn(const nb::capsule &capsule, const char *name) {
  void *pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (!pointer)
    throw nb::python_error();
  return pointer;
}

Operation moduleIn(const nb::capsule &capsule) {
  return moduleOperation({pointerIn(capsule, "torch_mlir.ir.Module._CAPIPtr")});
}

Context contextIn(const nb::capsule &capsule) {
  return Context({pointerIn(capsule, "torch_mlir.ir.Context._CAPIPtr")});
}

/// Hands a module over to Python; nothing for a null one.
std::optional<nb::capsule> capsuleOf(OwnedModule module) {
  if (!module)
    return std::nullopt;
  return nb::capsule(module.release().ptr, "torch_mlir.ir.Module._CAPIPtr");
}

using Log = std::vector<Diagnostic>;

Log entriesOf(const DiagnosticLog &log) {
  return Log(log.all().begin(), log.all().end());
}

std::unique_ptr<Host> load(const std::string &path) {
  HostOrError loaded = loadHost(path);
  if (!loaded.host)
    throw std::runtime_error(loaded.error);
  return std::move(loaded.host);
}

/// Names in the IR are any bytes; what is no UTF-8 shows as `\xff`.
nb::str textOf(const std::string &bytes) {
  PyObject *text =
      PyUnicode_DecodeUTF8(bytes.data(), bytes.size(), "backslashreplace");
  if (!text)
    throw nb::python_error();
  return nb::steal<nb::str>(text);
}

void bindDiagnostics(nb::module_ &m) {
  nb::class_<SourceLocation>(m, "SourceLocation")
      .def_prop_ro("file",
                   [](const SourceLocation &self) { return textOf(self.file); })
      .def_ro("line", &SourceLocation::line)
      .def_ro("column", &SourceLocation::column)
      .def_prop_ro(
          "name", [](const SourceLocation &self) { return textOf(self.name); });
  nb::class_<Diagnostic>(m, "Diagnostic")
      .def_prop_ro("severity",
                   [](const Diagnostic &self) {
                     return std::string(severityName(self.severity));
                   })
      .def_prop_ro("message",
                   [](const Diagnostic &self) { return textOf(self.message); })
      .def_ro("location", &Diagnostic::location)
      .def_ro("notes", &Diagnostic::notes);
}

void bindHost(nb::module_ &m) {
  nb::class_<Host>(m, "Host")
      .def_ro("path", &Host::path)
      .def_ro("missing_optional", &Host::missingOptional)
      .def_prop_ro("producer",
                   [](const Host &self) {
                     ApiScope scope(self);
                     return hostProducer();
                   })
      .def_prop_ro("stablehlo_versions",
                   [](const Host &self) {
                     ApiScope scope(self);
                     StablehloVersions versions = stablehloVersions();
                     return std::pair(versions.minimum, versions.current);
                   })
      .def(
          "canary",
          [](const Host &self) {
            ApiScope scope(self);
            return runCanary();
          },
          "What is wrong with this library, or an empty string.")
      .def(
          "prepare_context",
          [](const Host &self, const nb::capsule &context) {
            ApiScope scope(self);
            loadStablehloDialects(contextIn(context));
          },
          "Makes a context know StableHLO and CHLO.")
      .def(
          "read_module",
          [](const Host &self, const nb::capsule &context,
             const nb::bytes &source, const std::string &name) {
            ApiScope scope(self);
            DiagnosticLog log;
            OwnedModule module = readModule(
                contextIn(context), {source.c_str(), source.size()}, name, log);
            return std::pair(capsuleOf(std::move(module)), entriesOf(log));
          },
          "A new module as a capsule that the caller owns, or None and the "
          "diagnostics.")
      .def(
          "read_file",
          [](const Host &self, const nb::capsule &context,
             const std::string &path) {
            ApiScope scope(self);
            DiagnosticLog log;
            OwnedModule module = readFile(contextIn(context), path, log);
            return std::pair(capsuleOf(std::move(module)), entriesOf(log));
          },
          "The same from a file.")
      .def(
          "run_pipeline",
          [](const Host &self, const nb::capsule &module,
             std::string_view text) {
            ApiScope scope(self);
            Operation op = moduleIn(module);
            DiagnosticLog log;
            auto steps = parsePipeline(op.context(), text, log);
            bool done = steps && runPipeline(op, *steps, log).succeeded();
            return std::pair(done, entriesOf(log));
          },
          "Whether it worked, and the diagnostics; on failure the module is "
          "as it was.")
      .def(
          "manifest",
          [](const Host &self, const nb::capsule &module) {
            ApiScope scope(self);
            DiagnosticLog log;
            auto json = manifestJson(moduleIn(module), log);
            return std::pair(json, entriesOf(log));
          },
          "The manifest as JSON, or None and the diagnostics.")
      .def(
          "take_initial_values",
          [](const Host &self, const nb::capsule &module) {
            ApiScope scope(self);
            nb::list values;
            for (const InitialValue &each : takeInitialValues(moduleIn(module)))
              values.append(nb::make_tuple(
                  textOf(each.name), each.type.shape(),
                  each.type.element().print(),
                  nb::bytes(each.bytes.data(), each.bytes.size())));
            return values;
          },
          "Takes the contents of lifted globals out of the module: the "
          "argument's name, shape, element type, and bytes of all elements or "
          "of the one that is everywhere.")
      .def(
          "chains",
          [](const Host &self, const nb::capsule &module) {
            ApiScope scope(self);
            DiagnosticLog log;
            auto json = chainsJson(moduleIn(module), log);
            return std::pair(json, entriesOf(log));
          },
          "The chains as JSON, or None and the diagnostics.")
      .def(
          "write_artifact",
          [](const Host &self, const nb::capsule &module,
             std::string_view version) {
            ApiScope scope(self);
            Operation op = moduleIn(module);
            DiagnosticLog log;
            HostDiagnosticScope hostDiagnostics(op.context(), log);
            auto bytes = writeArtifact(op, version);
            std::optional<nb::bytes> result;
            if (bytes)
              result = nb::bytes(bytes->data(), bytes->size());
            return std::pair(result, entriesOf(log));
          },
          "A portable artifact, or None and the diagnostics.");
}

std::vector<std::tuple<std::string, std::string, std::string, bool>>
targetFacts() {
  std::vector<std::tuple<std::string, std::string, std::string, bool>> facts;
  for (const TargetFact &fact : TargetModel::facts())
    facts.emplace_back(fact.target, fact.why, fact.evidence, fact.isWrong);
  return facts;
}

} // namespace

NB_MODULE(_core, m) {
  m.doc() = "kvlift's C++ core over the MLIR C API";
  bindDiagnostics(m);
  bindHost(m);
  m.def("load_host", &load, nb::arg("path"),
        "Loads an MLIR library; RuntimeError says what is wrong with it.");
  m.def("target_facts", &targetFacts,
        "What each target does to slots: target, what, evidence, whether "
        "results are wrong.");
}
