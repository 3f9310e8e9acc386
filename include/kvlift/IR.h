//===- IR.h - Value types over the MLIR C API -------------------*- C++ -*-===//
//
// Part of kvlift, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Handles that are as cheap to copy as pointers. Each is false when null. None
// owns what it points to, but OwnedModule and OwnedOperation.
//
//===----------------------------------------------------------------------===//
#ifndef KVLIFT_IR_H
#define KVLIFT_IR_H

#include "kvlift/MlirC.h"
#include "kvlift/Support.h"

#include <functional>
#include <iterator>

namespace kvlift {

class Block;
class Operation;
class Type;

/// What all handles share: a raw C handle, null or not, equal by identity.
template <typename Raw> struct Handle {
  Raw raw;
  Handle() : raw{nullptr} {}
  Handle(Raw raw) : raw(raw) {}
  explicit operator bool() const { return raw.ptr != nullptr; }
  friend bool operator==(const Handle &a, const Handle &b) {
    return a.raw.ptr == b.raw.ptr;
  }
};

struct Context : Handle<MlirContext> {
  using Handle::Handle;
};

struct Location : Handle<MlirLocation> {
  using Handle::Handle;
  static Location unknown(Context context);
};

struct Attribute : Handle<MlirAttribute> {
  using Handle::Handle;
  static Attribute string(Context context, std::string_view text);
  static Attribute integer(Type type, int64_t value);
  static Attribute type(Type type);
  static Attribute array(Context context, const std::vector<Attribute> &);
  static Attribute i64Array(Context context, const Dims &values);
  /// A dictionary; entries must have distinct names.
  static Attribute
  dictionary(Context context,
             const std::vector<std::pair<std::string, Attribute>> &entries);
  /// A splat of `element` over the static tensor type `type`.
  static Attribute splat(Type type, Attribute element);
  /// One element each, in row-major order.
  static Attribute elements(Type type, const std::vector<Attribute> &);
  /// From text; null when it does not parse.
  static Attribute parse(Context context, std::string_view text);

  Context context() const;
  /// The type of a typed attribute.
  Type typeOfValue() const;
  std::optional<std::string> asString() const;
  /// Nothing for unsigned integers that int64_t cannot hold, either.
  std::optional<int64_t> asInteger() const;
  std::optional<std::string> asSymbol() const;
  std::optional<Dims> asI64Array() const;
  /// The type that a type attribute holds; null otherwise.
  Type asType() const;
  bool isArray() const;
  int64_t arraySize() const;
  Attribute arrayElement(int64_t position) const;
  bool isDictionary() const;
  std::vector<std::pair<std::string, Attribute>> dictionaryEntries() const;
  Attribute dictionaryElement(std::string_view name) const;
  bool isDenseElements() const;
  /// Whether it is dense and all its elements are the same.
  bool isSplat() const;
  /// The integer that every element of a dense attribute has, if one.
  std::optional<int64_t> splatInteger() const;
  /// The same of a dense attribute of integers or floats.
  std::optional<double> splatNumber() const;
  /// The elements of a dense i32 or i64 attribute that is not unsigned, unless
  /// they are too many.
  std::optional<Dims> denseIntegers() const;
  /// The elements of a dense attribute as they lie in memory, of a splat only
  /// one; an i1 is a byte. Nothing for other types that are not whole bytes.
  std::optional<std::string> denseBytes() const;
  std::string print() const;
};

class Type : public Handle<MlirType> {
public:
  using Handle::Handle;
  static Type integer(Context context, unsigned width);
  static Type tensor(const Dims &shape, Type element);
  static Type function(Context context, const std::vector<Type> &inputs,
                       const std::vector<Type> &results);
  /// From text; null when it does not parse.
  static Type parse(Context context, std::string_view text);

  Context context() const;
  bool isRankedTensor() const;
  /// A ranked tensor of known extents, without an encoding.
  bool isStaticTensor() const;
  /// Extents, `dynamicExtent` where unknown; none for what is no ranked tensor.
  Dims shape() const;
  int64_t rank() const;
  /// Number of elements of a static tensor, or the largest number there is.
  int64_t elementCount() const;
  /// The type itself when it is no ranked tensor.
  Type element() const;
  /// This tensor type with another shape.
  Type withShape(const Dims &shape) const;
  bool isInteger() const;
  bool isUnsignedInteger() const;
  bool isIndex() const;
  bool isFunction() const;
  bool isTorchNonValueTensor() const;
  /// Bits of an integer or float type, 0 otherwise.
  unsigned bitWidth() const;
  int64_t numFunctionInputs() const;
  int64_t numFunctionResults() const;
  Type functionInput(int64_t position) const;
  Type functionResult(int64_t position) const;
  std::vector<Type> functionInputs() const;
  std::vector<Type> functionResults() const;
  std::string print() const;

  static constexpr int64_t dynamicExtent = -1;
};

/// One use of a value: an operand of an operation.
struct Use {
  MlirOperation user;
  int64_t operand;
};

class Value : public Handle<MlirValue> {
public:
  using Handle::Handle;
  Type type() const;
  void setType(Type type) const;
  Location location() const;
  bool isBlockArgument() const;
  Block argumentOwner() const;
  int64_t argumentNumber() const;
  /// The op whose result this is; null for a block argument.
  Operation definingOp() const;
  int64_t resultNumber() const;
  std::vector<Use> uses() const;
  bool isUnused() const;
  void replaceAllUsesWith(Value other) const;
};

class Region : public Handle<MlirRegion> {
public:
  using Handle::Handle;
  Block firstBlock() const;
  std::vector<Block> blocks() const;
  /// Replaces its blocks by those of `other`, which is left empty.
  void takeBody(Region other) const;
};

class Block : public Handle<MlirBlock> {
public:
  using Handle::Handle;
  Operation parentOp() const;
  Operation firstOp() const;
  Operation terminator() const;
  /// The operations, in program order. The next one is fetched before the
  /// current one is handed out, so that the current one may be erased.
  class OpIterator;
  OpIterator begin() const;
  std::default_sentinel_t end() const { return {}; }
  int64_t numArguments() const;
  Value argument(int64_t position) const;
  std::vector<Value> arguments() const;
  Value addArgument(Type type, Location location) const;
  /// Drops an argument that nothing uses.
  void eraseArgument(int64_t position) const;
};

class Operation : public Handle<MlirOperation> {
public:
  using Handle::Handle;
  std::string_view name() const;
  bool is(std::string_view opName) const { return name() == opName; }
  Location location() const;
  Context context() const;
  Block block() const;
  Operation parentOp() const;
  Operation next() const;
  bool isBefore(Operation other) const;
  /// Whether it is `around`, or in its regions.
  bool isIn(Operation around) const;

  std::vector<Value> operands() const;
  std::vector<Value> results() const;
  std::vector<Region> regions() const;
  Value operand(int64_t position) const;
  Value result(int64_t position = 0) const;
  int64_t numOperands() const;
  int64_t numResults() const;
  void setOperand(int64_t position, Value value) const;
  void setOperands(const std::vector<Value> &values) const;

  Attribute attribute(std::string_view name) const;
  std::vector<std::pair<std::string, Attribute>> attributes() const;
  void setAttribute(std::string_view name, Attribute value) const;
  void removeAttribute(std::string_view name) const;

  bool verify() const;
  /// A deep copy outside of any block, for the caller to free.
  Operation clone() const;
  /// Frees an op that is in no block.
  void free() const;
  void moveBefore(Operation other) const;
  /// Removes it from its block and frees it; its results must be unused.
  void erase() const;
  std::string print(bool withLocations = false, bool generic = false) const;
  std::string bytecode() const;
};

class Block::OpIterator {
public:
  explicit OpIterator(Operation first)
      : current(first), following(first ? first.next() : Operation()) {}
  Operation operator*() const { return current; }
  OpIterator &operator++() {
    current = following;
    following = current ? current.next() : Operation();
    return *this;
  }
  bool operator==(std::default_sentinel_t) const { return !current; }

private:
  Operation current, following;
};

inline Block::OpIterator Block::begin() const { return OpIterator(firstOp()); }

/// Calls `visit` on `root` and all operations in it, parents first.
void walk(Operation root, const std::function<void(Operation)> &visit);

/// The uses of a value by an op and by the ops in its regions.
std::vector<Use> usesIn(Operation op, Value value);

/// A module that is destroyed with its owner.
class OwnedModule {
public:
  OwnedModule() = default;
  explicit OwnedModule(MlirModule raw) : raw(raw) {}
  OwnedModule(OwnedModule &&other) noexcept : raw(other.release()) {}
  OwnedModule &operator=(OwnedModule &&other) noexcept;
  ~OwnedModule();
  explicit operator bool() const { return raw.ptr != nullptr; }
  Operation operation() const;
  MlirModule handle() const { return raw; }
  MlirModule release();

  /// Parses text or bytecode; null after diagnostics.
  static OwnedModule parse(Context context, std::string_view source);
  /// The same from a file, whose name then stands in locations.
  static OwnedModule parseFile(Context context, std::string_view path);
  /// Reads a StableHLO portable artifact; null after diagnostics.
  static OwnedModule readArtifact(Context context, std::string_view artifact);
  static OwnedModule clone(Operation module);

private:
  MlirModule raw{nullptr};
};

/// The operation of a module that somebody else owns.
Operation moduleOperation(MlirModule module);

/// Writes a StableHLO portable artifact of `version`, or of the library's own
/// version if that is empty. Nothing when the module cannot be expressed in
/// that version (diagnostics say why). The module itself is not changed.
std::optional<std::string> writeArtifact(Operation module,
                                         std::string_view version);

/// The StableHLO versions that the host reads and writes.
struct StablehloVersions {
  std::string minimum, current;
};
StablehloVersions stablehloVersions();

/// The producer that the host writes into bytecode: `MLIR24.0.0git`.
std::string hostProducer();

/// A context with every dialect that the host knows, that dies with its owner.
class OwnedContext {
public:
  OwnedContext();
  ~OwnedContext();
  OwnedContext(const OwnedContext &) = delete;
  OwnedContext &operator=(const OwnedContext &) = delete;
  Context get() const { return context; }
  void allowUnregisteredDialects() const;

private:
  Context context;
};

/// Makes `context` know StableHLO and CHLO, which hosts do not load by default.
void loadStablehloDialects(Context context);

/// Registers the host's passes by name; once for the process is enough.
void registerHostPasses();

/// Whether the host knows such a pipeline on `builtin.module`; says why not.
bool checkHostPipeline(Context context, std::string_view pipeline,
                       std::string &problem);

/// Runs the host's passes, named by an MLIR pipeline on `builtin.module`.
/// Fails with diagnostics in `parseError` or in the context's handlers.
bool runHostPipeline(Operation module, std::string_view pipeline,
                     std::string &parseError);

} // namespace kvlift

#endif // KVLIFT_IR_H
