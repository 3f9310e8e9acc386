//===- Module.cpp - Contexts, modules and the host's passes ---------------===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raw.h"
#include "kvlift/IR.h"

#include <utility>

using namespace kvlift;

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

OwnedModule::~OwnedModule() {
  if (raw.ptr)
    api().mlirModuleDestroy(raw);
}

OwnedModule &OwnedModule::operator=(OwnedModule &&other) noexcept {
  std::swap(raw, other.raw);
  return *this;
}

MlirModule OwnedModule::release() { return std::exchange(raw, {nullptr}); }

Operation OwnedModule::operation() const { return moduleOperation(raw); }

OwnedModule OwnedModule::parse(Context context, std::string_view source) {
  return OwnedModule(api().mlirModuleCreateParse(context.raw, toRef(source)));
}

OwnedModule OwnedModule::parseFile(Context context, std::string_view path) {
  return OwnedModule(
      api().mlirModuleCreateParseFromFile(context.raw, toRef(path)));
}

OwnedModule OwnedModule::readArtifact(Context context,
                                      std::string_view artifact) {
  return OwnedModule(api().stablehloDeserializePortableArtifactNoError(
      toRef(artifact), context.raw));
}

OwnedModule OwnedModule::clone(Operation module) {
  return OwnedModule(
      api().mlirModuleFromOperation(api().mlirOperationClone(module.raw)));
}

Operation kvlift::moduleOperation(MlirModule module) {
  return api().mlirModuleGetOperation(module);
}

StablehloVersions kvlift::stablehloVersions() {
  StablehloVersions versions;
  if (!api().stablehloGetCurrentVersion)
    return versions;
  api().stablehloGetMinimumVersion(appendTo, &versions.minimum);
  api().stablehloGetCurrentVersion(appendTo, &versions.current);
  return versions;
}

/// Artifacts have no CHLO: replaces its ops by what they stand for. What has no
/// such form stays, and the serialiser reports it.
static void legalizeChlo(Operation module) {
  bool found = false;
  walk(module, [&](Operation op) { found |= op.name().starts_with("chlo."); });
  std::string ignored;
  if (found)
    runHostPipeline(module,
                    "builtin.module(func.func(chlo-legalize-to-stablehlo))",
                    ignored);
}

std::optional<std::string> kvlift::writeArtifact(Operation module,
                                                 std::string_view version) {
  // Serialising turns the module into VHLO: let that happen to a copy.
  OwnedModule copy = OwnedModule::clone(module);
  legalizeChlo(copy.operation());
  std::string target =
      version.empty() ? stablehloVersions().current : std::string(version);
  std::string bytes;
  MlirLogicalResult done = api().stablehloSerializePortableArtifactFromModule(
      copy.handle(), toRef(target), appendTo, &bytes,
      /*allowOtherDialects=*/false);
  if (!done.value)
    return std::nullopt;
  return bytes;
}

std::string kvlift::hostProducer() {
  OwnedContext context;
  Location nowhere = Location::unknown(context.get());
  OwnedModule empty(api().mlirModuleCreateEmpty(nowhere.raw));
  std::string bytes = empty.operation().bytecode();
  // Magic (4 bytes), version (one byte), then the producer, null-terminated.
  return std::string(bytes.substr(5).c_str());
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

void kvlift::loadStablehloDialects(Context context) {
  if (api().mlirGetDialectHandle__stablehlo__)
    api().mlirDialectHandleLoadDialect(
        api().mlirGetDialectHandle__stablehlo__(), context.raw);
  // No handle is exported for CHLO: a pass that depends on it loads it.
  registerHostPasses();
  OwnedModule dummy =
      OwnedModule::parse(context, "func.func private @kvlift_loads_chlo()");
  std::string ignored;
  runHostPipeline(dummy.operation(),
                  "builtin.module(func.func(stablehlo-complex-math-expander))",
                  ignored);
}

OwnedContext::OwnedContext() : context(api().mlirContextCreate()) {
  MlirDialectRegistry registry = api().mlirDialectRegistryCreate();
  api().mlirRegisterAllDialects(registry);
  api().mlirContextAppendDialectRegistry(context.raw, registry);
  api().mlirDialectRegistryDestroy(registry);
  if (api().torchMlirRegisterAllDialects)
    api().torchMlirRegisterAllDialects(context.raw);
  api().mlirContextLoadAllAvailableDialects(context.raw);
  loadStablehloDialects(context);
}

OwnedContext::~OwnedContext() { api().mlirContextDestroy(context.raw); }

void OwnedContext::allowUnregisteredDialects() const {
  api().mlirContextSetAllowUnregisteredDialects(context.raw, true);
}

//===----------------------------------------------------------------------===//
// The host's passes
//===----------------------------------------------------------------------===//

void kvlift::registerHostPasses() {
  static const bool registered = [] {
    api().mlirRegisterAllPasses();
    if (api().mlirRegisterAllStablehloPasses)
      api().mlirRegisterAllStablehloPasses();
    if (api().torchMlirRegisterAllPasses)
      api().torchMlirRegisterAllPasses();
    return true;
  }();
  (void)registered;
}

/// A pass manager that is destroyed with its owner.
namespace {
class PassManager {
public:
  explicit PassManager(Context context)
      : raw(api().mlirPassManagerCreate(context.raw)) {}
  ~PassManager() { api().mlirPassManagerDestroy(raw); }
  PassManager(const PassManager &) = delete;
  PassManager &operator=(const PassManager &) = delete;

  bool parse(std::string_view pipeline, std::string &problem) const {
    return api()
        .mlirParsePassPipeline(api().mlirPassManagerGetAsOpPassManager(raw),
                               toRef(pipeline), appendTo, &problem)
        .value;
  }
  bool run(Operation module) const {
    return api().mlirPassManagerRunOnOp(raw, module.raw).value;
  }

private:
  MlirPassManager raw;
};
} // namespace

bool kvlift::checkHostPipeline(Context context, std::string_view pipeline,
                               std::string &problem) {
  return PassManager(context).parse(pipeline, problem);
}

bool kvlift::runHostPipeline(Operation module, std::string_view pipeline,
                             std::string &parseError) {
  PassManager manager(module.context());
  return manager.parse(pipeline, parseError) && manager.run(module);
}
