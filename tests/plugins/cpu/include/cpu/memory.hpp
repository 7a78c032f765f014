// Atomic operations, fences and loads by another way.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "cpu/block.hpp"

namespace farm::cpu {

// Exchanges what `combine` makes of the old value; blocks run on several machine threads.
template <typename T, typename Combine>
T update(T* place, Combine combine) {
  T old;
  __atomic_load(place, &old, __ATOMIC_SEQ_CST);
  for (;;) {
    T made = combine(old);
    if (__atomic_compare_exchange(place, &old, &made, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      return old;
    }
  }
}

template <typename T>
struct Same {
  using type = T;
};

}  // namespace farm::cpu

template <typename T>
T atomicAdd(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return static_cast<T>(old + value); });
}
template <typename T>
T atomicSub(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return static_cast<T>(old - value); });
}
template <typename T>
T atomicMax(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return old < value ? value : old; });
}
template <typename T>
T atomicMin(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return value < old ? value : old; });
}
template <typename T>
T atomicOr(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return static_cast<T>(old | value); });
}
template <typename T>
T atomicAnd(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return static_cast<T>(old & value); });
}
template <typename T>
T atomicExch(T* place, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T) { return value; });
}
template <typename T>
T atomicCAS(T* place, typename farm::cpu::Same<T>::type expected, typename farm::cpu::Same<T>::type value) {
  return farm::cpu::update(place, [=](T old) { return old == expected ? value : old; });
}

inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __threadfence_block() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __threadfence_system() { std::atomic_thread_fence(std::memory_order_seq_cst); }
// Who waits for another thread sleeps in between, also here: it is what lets the other one run.
inline void __nanosleep(unsigned) { farm::cpu::relax(); }

#define FARM_CPU_LOAD(name) \
  template <typename T> \
  T name(T const* place) { return *place; }
FARM_CPU_LOAD(__ldg)
FARM_CPU_LOAD(__ldcg)
FARM_CPU_LOAD(__ldca)
FARM_CPU_LOAD(__ldcs)
FARM_CPU_LOAD(__ldlu)
#undef FARM_CPU_LOAD
#define FARM_CPU_STORE(name) \
  template <typename T> \
  void name(T* place, typename farm::cpu::Same<T>::type value) { *place = value; }
FARM_CPU_STORE(__stwb)
FARM_CPU_STORE(__stcg)
FARM_CPU_STORE(__stcs)
FARM_CPU_STORE(__stwt)
#undef FARM_CPU_STORE
