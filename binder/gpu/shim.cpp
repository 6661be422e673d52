// librudder_shim.so lets DJL's binding, libdjl_torch.so, run on libtorch 2.11.
//
// The binding was compiled for libtorch 2.7.1, without optimisation. So libtorch's inline functions lie in it as
// functions of their own, as weak symbols. Some no longer fit: they call virtual functions by 2.7's places in a table
// (TensorImpl's moved by three in 2.10), or construct a StorageImpl of 2.7's layout.
// This file is compiled without optimisation, too, against the headers of the libtorch that is there. It holds 2.11's
// version of the same functions under the same names. With LD_PRELOAD the loader finds these first.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/SymInt.h>
#include <c10/core/TensorImpl.h>
#include <c10/core/impl/PyObjectSlot.h>
#include <torch/csrc/autograd/variable.h>

#include <cstdint>
#include <new>
#include <stdexcept>

// 1. Functions that 2.7 exports and 2.11 does not. The destructor of c10::impl::PyObjectSlot does nothing. The
//    profiler's configuration has another layout in 2.11, so making one throws, and Java sees an EngineException.
extern "C" __attribute__((visibility("default"))) void rudder_slot_end(void*) __asm__("_ZN3c104impl12PyObjectSlotD1Ev");
void rudder_slot_end(void*) {}

extern "C" __attribute__((visibility("default"))) void rudder_no_profiler(void*) __asm__(
    "_ZN5torch8profiler4impl18ExperimentalConfigC1ESt6vectorI"
    "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS9_EEbbSB_bbbbbb");
void rudder_no_profiler(void*) {
  throw std::runtime_error("the binding of libtorch 2.7.1 cannot profile libtorch 2.11");
}

// The binding allocates as many bytes before it calls the constructor, which is then 2.11's.
static_assert(sizeof(c10::StorageImpl) == 96, "StorageImpl has another size than in libtorch 2.7.1");

// 2. Inline functions whose 2.11 version must win. They are named here once, so that the compiler writes them out.
//    Nothing is ever called. Libraries of CUDA have some of them, too, but which ones depends on the build.
extern "C" __attribute__((used, visibility("default"))) void rudder_shim_uses(
    at::Tensor* tensor, c10::SymInt* number, bool never) {
  if (!never) return;
  *tensor = torch::autograd::make_variable(*tensor, false, true);
  c10::SymBool unequal = number->sym_ne(*number);
  (void)unequal;
  alignas(c10::impl::PyObjectSlot) char place[sizeof(c10::impl::PyObjectSlot)];
  new (place) c10::impl::PyObjectSlot();
  c10::Allocator* allocator = nullptr;
  auto storage = c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), c10::SymInt(8), c10::DataPtr(), allocator, false);
  c10::TensorImpl* impl = tensor->unsafeGetTensorImpl();
  (void)impl->sizes();
  (void)impl->dim();
  (void)impl->numel();
  (void)impl->size(0);
  (void)impl->device();
  (void)impl->layout();
  (void)impl->is_contiguous(c10::MemoryFormat::Contiguous);
  (void)impl->unique_version();
  (void)impl->strides();
  (void)impl->storage_offset();
  (void)impl->mutable_data();
  (void)impl->data();
  (void)impl->itemsize();
  (void)impl->has_storage();
  (void)tensor->nbytes();
  (void)tensor->is_contiguous();
  at::manual_seed(1);
}

// 3. Functions of c10_cuda that got one more parameter. Only the binding's flavour cu128 asks for them. They are
//    declared here, because CUDA's own headers need not be there; a result's type is not part of a function's name.
namespace c10::cuda {
int SetDevice(DeviceIndex device, bool force);
void c10_cuda_check_implementation(
    int32_t error, const char* file, const char* function, uint32_t line, bool assertions);

C10_EXPORT int SetDevice(DeviceIndex device) { return SetDevice(device, false); }
C10_EXPORT void c10_cuda_check_implementation(
    int32_t error, const char* file, const char* function, int line, bool assertions) {
  c10_cuda_check_implementation(error, file, function, static_cast<uint32_t>(line), assertions);
}
namespace CUDACachingAllocator {
C10_EXPORT void emptyCache() { c10::getDeviceAllocator(c10::kCUDA)->emptyCache({0, 0}); }
}  // namespace CUDACachingAllocator
}  // namespace c10::cuda
