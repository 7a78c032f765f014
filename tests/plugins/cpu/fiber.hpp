// A stack of its own for each thread of a block, and the switch to it and back.
#pragma once

#include <cstddef>

namespace farm::cpu {

class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(Fiber const&) = delete;
  Fiber& operator=(Fiber const&) = delete;

  // The next `resume` calls `body`; the one before must have returned.
  void start(void (*body)(void*), void* argument);
  // Goes on until the fiber leaves or its body returns; asked by the scheduler.
  void resume();
  // Back to the scheduler; asked inside the fiber.
  void leave();

 private:
  static void trampoline(Fiber* self);
  void leave(bool for_ever);

  unsigned char* stack_ = nullptr;
  void* inside_ = nullptr;
  void* outside_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  // What the address sanitizer knows of the stack that was left.
  void* inside_fake_ = nullptr;
  void* outside_fake_ = nullptr;
  void const* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace farm::cpu
