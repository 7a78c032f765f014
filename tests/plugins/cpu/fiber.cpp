// Switches by hand, since swapcontext asks the kernel twice each time, and kernels here switch millions of times.
// Not itself compiled with sanitizers: frames here are left without a return.
#include "fiber.hpp"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Saves what a call must preserve on the stack that is left, and takes it from the other.
extern "C" void farm_cpu_switch(void** left, void* entered);

#if defined(__x86_64__)
asm(R"(
.text
.hidden farm_cpu_switch
.globl farm_cpu_switch
.type farm_cpu_switch, @function
farm_cpu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size farm_cpu_switch, . - farm_cpu_switch
.hidden farm_cpu_first
.globl farm_cpu_first
farm_cpu_first:
  movq %rbx, %rdi
  call *%r12
)");
constexpr std::size_t kSaved = 9;  // six registers, where to return, and two words to align
constexpr std::size_t kReturn = 6, kArgument = 4, kFunction = 3;
#elif defined(__aarch64__)
asm(R"(
.text
.hidden farm_cpu_switch
.globl farm_cpu_switch
.type farm_cpu_switch, %function
farm_cpu_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size farm_cpu_switch, . - farm_cpu_switch
.hidden farm_cpu_first
.globl farm_cpu_first
farm_cpu_first:
  mov x0, x19
  blr x20
)");
constexpr std::size_t kSaved = 20;
constexpr std::size_t kReturn = 11, kArgument = 0, kFunction = 1;
#else
#error "say here how this processor switches stacks"
#endif

extern "C" void farm_cpu_first();

namespace farm::cpu {
namespace {

// Sanitized frames are large; pages that no frame touches cost nothing.
constexpr std::size_t kStackBytes = 256 * 1024;

}  // namespace

Fiber::~Fiber() {
  if (stack_ != nullptr) {
    __asan_unpoison_memory_region(stack_, kStackBytes);
    munmap(stack_, kStackBytes);
  }
}

void Fiber::start(void (*body)(void*), void* argument) {
  if (stack_ == nullptr) {
    int const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const made = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (made == MAP_FAILED) {
      std::perror("a stack for a thread");
      std::abort();
    }
    stack_ = static_cast<unsigned char*>(made);
  }
  body_ = body;
  argument_ = argument;
  auto* const top = reinterpret_cast<std::uintptr_t*>(stack_ + kStackBytes) - kSaved;
  std::memset(top, 0, kSaved * sizeof *top);
  top[kReturn] = reinterpret_cast<std::uintptr_t>(farm_cpu_first);
  top[kArgument] = reinterpret_cast<std::uintptr_t>(this);
  top[kFunction] = reinterpret_cast<std::uintptr_t>(&Fiber::trampoline);
  inside_ = top;
  inside_fake_ = nullptr;
}

void Fiber::trampoline(Fiber* self) {
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_bottom_, &self->outside_size_);
  self->body_(self->argument_);
  self->leave(true);
  std::abort();
}

void Fiber::resume() {
  __sanitizer_start_switch_fiber(&outside_fake_, stack_, kStackBytes);
  farm_cpu_switch(&outside_, inside_);
  __sanitizer_finish_switch_fiber(outside_fake_, nullptr, nullptr);
}

void Fiber::leave() { leave(false); }

void Fiber::leave(bool for_ever) {
  __sanitizer_start_switch_fiber(for_ever ? nullptr : &inside_fake_, outside_bottom_, outside_size_);
  farm_cpu_switch(&inside_, outside_);
  __sanitizer_finish_switch_fiber(inside_fake_, &outside_bottom_, &outside_size_);
}

}  // namespace farm::cpu
